//! One picture of the live view.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    widgets::{Block, Cell, Paragraph, Row, Table},
};

use super::view::View;
use crate::operations::{ClusterOverview, GroupOverview, Outcome, TaskState, TaskSummary};

/// Most lines of groups, without the frame and the header.
const MOST_GROUPS: usize = 5;
/// Most lines of the queue, without the frame and the header.
const MOST_QUEUE: usize = 6;
/// The frame and the header of a table.
const AROUND: usize = 3;
/// Steps of a bar.
const STEPS: i32 = 20;

/// Draws what is known, as well as the size allows.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, colour: bool) {
    let groups = view
        .cluster
        .as_ref()
        .map_or(0, |cluster| cluster.groups.len());
    let height = |lines: usize, most: usize| {
        u16::try_from(lines.clamp(1, most) + AROUND).unwrap_or(u16::MAX)
    };
    let [head, above, middle, below, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(height(groups, MOST_GROUPS)),
        Constraint::Min(4),
        Constraint::Length(height(view.queue.len(), MOST_QUEUE)),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let paint = Paint { colour };
    frame.render_widget(headline(view, paint), head);
    if let Some(cluster) = &view.cluster {
        draw_groups(frame, above, cluster, paint);
    }
    draw_own(frame, middle, view, paint);
    draw_queue(frame, below, view, paint);
    let keys = " q quit   up/down scroll your tasks";
    frame.render_widget(Paragraph::new(keys), foot);
}

/// Colours, if they are welcome.
#[derive(Debug, Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn fg(self, colour: Color) -> Style {
        match self.colour {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    fn bold(self) -> Style {
        match self.colour {
            true => Style::new().add_modifier(Modifier::BOLD),
            false => Style::new(),
        }
    }
}

fn headline(view: &View, paint: Paint) -> Paragraph<'static> {
    match (&view.lost, &view.cluster) {
        (Some(why), _) => {
            let text = format!(" not up to date, trying again: {why}");
            Paragraph::new(text).style(paint.fg(Color::Red))
        }
        (None, None) => Paragraph::new(format!(" {} at {}: asking...", view.user, view.address)),
        (None, Some(cluster)) => {
            let left_out = match view.n_left_out {
                0 => String::new(),
                n => format!("; the oldest {n} are not shown"),
            };
            let text = format!(
                " {} at {}: {} running, {} waiting{left_out}",
                view.user, view.address, cluster.running_tasks, cluster.queued_tasks
            );
            Paragraph::new(text).style(paint.bold())
        }
    }
}

fn draw_groups(frame: &mut Frame<'_>, area: Rect, cluster: &ClusterOverview, paint: Paint) {
    let rows = cluster.groups.iter().map(|group| {
        Row::new([
            Cell::from(group.name.clone()),
            Cell::from(group.nodes.to_string()),
            Cell::from(group.ready.to_string()),
            Cell::from(group.working.to_string()),
            Cell::from(group.free.to_string()),
            Cell::from(bar(group)).style(paint.fg(Color::Yellow)),
        ])
    });
    let widths = [
        Constraint::Min(10),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(8),
        Constraint::Length(6),
        Constraint::Length(20),
    ];
    let header = Row::new(["group", "nodes", "ready", "working", "free", ""]);
    let title = title("nodes", cluster.groups.len(), MOST_GROUPS);
    frame.render_widget(framed(Table::new(rows, widths), header, title, paint), area);
}

fn draw_own(frame: &mut Frame<'_>, area: Rect, view: &View, paint: Paint) {
    let rows = view.own.iter().skip(view.n_above).map(|task| {
        let (state, colour) = state(task);
        Row::new([
            Cell::from(task.id.inner().to_owned()),
            Cell::from(task.name.clone()),
            Cell::from(task.node_count.to_string()),
            Cell::from(state).style(paint.fg(colour)),
            Cell::from(task.priority.to_string()),
            Cell::from(task.group.clone()),
            Cell::from(task.restart_count.to_string()),
        ])
    });
    let widths = [
        Constraint::Length(7),
        Constraint::Min(12),
        Constraint::Length(5),
        Constraint::Length(12),
        Constraint::Length(12),
        Constraint::Length(12),
        Constraint::Length(8),
    ];
    let header = Row::new([
        "id", "name", "nodes", "state", "priority", "group", "restarts",
    ]);
    let title = title("your tasks", view.own.len(), lines(area));
    frame.render_widget(framed(Table::new(rows, widths), header, title, paint), area);
}

fn draw_queue(frame: &mut Frame<'_>, area: Rect, view: &View, paint: Paint) {
    let rows = view.queue.iter().map(|task| {
        let wait = task.wait.as_ref();
        let position = wait.and_then(|wait| wait.position);
        let row = Row::new([
            position.map_or("-".to_owned(), |position| position.to_string()),
            task.id.inner().to_owned(),
            task.user.name.clone(),
            task.group.clone(),
            task.node_count.to_string(),
            wait.map_or("-".to_owned(), |wait| wait.message.clone()),
        ]);
        match task.user.name == view.user {
            true => row.style(paint.bold()),
            false => row,
        }
    });
    let widths = [
        Constraint::Length(5),
        Constraint::Length(7),
        Constraint::Length(10),
        Constraint::Length(10),
        Constraint::Length(5),
        Constraint::Min(20),
    ];
    let header = Row::new(["place", "id", "user", "group", "nodes", "why it waits"]);
    let title = title("queue", view.queue.len(), lines(area));
    frame.render_widget(framed(Table::new(rows, widths), header, title, paint), area);
}

fn framed<'a>(table: Table<'a>, header: Row<'a>, title: String, paint: Paint) -> Table<'a> {
    table
        .header(header.style(paint.bold()))
        .block(Block::bordered().title(title))
}

/// What a table shows, and how much of it if not all.
fn title(what: &str, n_all: usize, n_shown: usize) -> String {
    match n_all > n_shown {
        true => format!(" {what}: {n_shown} of {n_all} "),
        false => format!(" {what}: {n_all} "),
    }
}

/// Lines that a framed table has for its rows.
fn lines(area: Rect) -> usize {
    usize::from(area.height).saturating_sub(AROUND)
}

fn state(task: &TaskSummary) -> (String, Color) {
    match (&task.state, &task.outcome) {
        (TaskState::Finished, Some(outcome)) => {
            let colour = match outcome {
                Outcome::Succeeded => Color::Green,
                Outcome::Stopped | Outcome::Suspended | Outcome::Other(_) => Color::Reset,
                Outcome::Failed | Outcome::Timeout | Outcome::Lost | Outcome::StartFailed => {
                    Color::Red
                }
            };
            (outcome.to_string(), colour)
        }
        (TaskState::Running, _) => (task.state.to_string(), Color::Yellow),
        (TaskState::WaitingInit | TaskState::Suspended, _) => (task.state.to_string(), Color::Blue),
        (TaskState::Finished | TaskState::Other(_), _) => (task.state.to_string(), Color::Reset),
    }
}

/// How much of a group works.
fn bar(group: &GroupOverview) -> String {
    let filled = (group.working * STEPS / group.nodes.max(1)).clamp(0, STEPS);
    let repeat = |text: &str, times: i32| text.repeat(usize::try_from(times).unwrap_or(0));
    repeat("#", filled) + &repeat(".", STEPS - filled)
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::top::view::{
        News,
        tests::{all, task, waiting},
    };

    fn picture(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view, false)).unwrap();
        terminal.backend().to_string()
    }

    fn view() -> View {
        let mut view = View::new("ada".to_owned(), "http://h".to_owned());
        view.learn(all(vec![
            task(3, "ada", TaskState::Running),
            waiting(9, "bob", 1),
            waiting(10, "ada", 2),
        ]));
        view
    }

    #[test]
    fn on_80_times_24_everything_has_its_place() {
        let shown = picture(&view(), 80, 24);
        for part in [
            " ada at http://h: 1 running, 2 waiting",
            " nodes: 1 ",
            "###############.....",
            " your tasks: 2 ",
            " queue: 2 ",
            "waits behind task 3",
            "q quit",
        ] {
            assert!(shown.contains(part), "{part} is missing in:\n{shown}");
        }
        assert!(!shown.contains(" of "), "everything fits:\n{shown}");
    }

    #[test]
    fn a_small_terminal_shows_less_and_says_so() {
        let mut view = view();
        view.learn(all((1..=40).map(|id| waiting(id, "ada", 1)).collect()));
        let shown = picture(&view, 80, 24);
        assert!(shown.contains("your tasks: 6 of 40"), "{shown}");
        for (width, height) in [(10, 3), (1, 1), (200, 60)] {
            picture(&view, width, height);
        }
    }

    #[test]
    fn what_is_left_out_is_told() {
        let mut view = view();
        view.n_left_out = 734;
        let shown = picture(&view, 80, 24);
        assert!(
            shown.contains("2 waiting; the oldest 734 are not shown"),
            "{shown}"
        );
    }

    #[test]
    fn a_lost_connection_is_in_the_headline() {
        let mut view = view();
        view.learn(News::Lost("connection refused".to_owned()));
        let shown = picture(&view, 80, 24);
        assert!(
            shown.contains("trying again: connection refused"),
            "{shown}"
        );
    }
}
