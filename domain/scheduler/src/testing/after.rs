//! What a plan makes of a snapshot: the rows as whoever commits the plan would leave them.

use crate::{Decision, Holder, Node, NodeName, Plan, Snapshot, TaskKey, TaskState};

impl Snapshot {
    /// What is after the decisions of a plan for this snapshot were carried out.
    #[must_use]
    pub fn after(mut self, plan: &Plan) -> Self {
        for decision in &plan.decisions {
            self.carry_out(decision);
        }
        self
    }

    /// A start is still starting afterwards, and a victim is on its way out.
    pub fn carry_out(&mut self, decision: &Decision) {
        match decision {
            Decision::Start { task, level, nodes } => {
                self.release(*task);
                for node in self.nodes_named(nodes) {
                    node.holder = Holder::Task(*task);
                }
                let state = TaskState::Active {
                    level: *level,
                    nodes: nodes.clone(),
                    draining: false,
                    since: self.now,
                    suspendable: false,
                };
                for started in self.tasks.iter_mut().filter(|each| each.key == *task) {
                    started.state = state.clone();
                }
            }
            Decision::Relevel { task, level: new } => {
                for run in self.tasks.iter_mut().filter(|each| each.key == *task) {
                    if let TaskState::Active { level, .. } = &mut run.state {
                        *level = *new;
                    }
                }
            }
            Decision::Preempt {
                task,
                level: _,
                victims,
                nodes,
            } => {
                for node in self.nodes_named(nodes) {
                    node.reserved_for = Some(*task);
                }
                for victim in &mut self.tasks {
                    if let TaskState::Active { draining, .. } = &mut victim.state
                        && victims.contains(&victim.key)
                    {
                        *draining = true;
                    }
                }
            }
            Decision::Release { task } => self.release(*task),
        }
    }

    fn release(&mut self, task: TaskKey) {
        for node in &mut self.nodes {
            node.reserved_for.take_if(|holder| *holder == task);
        }
    }

    fn nodes_named(&mut self, names: &[NodeName]) -> impl Iterator<Item = &mut Node> {
        let nodes = self.nodes.iter_mut();
        nodes.filter(|node| names.contains(&node.name))
    }
}
