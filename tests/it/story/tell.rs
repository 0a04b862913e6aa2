//! Tells the story: submits both trainings, follows them, and kills the server when its moment has come.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Client, Follow, Seen, Up};

use super::moment::{Kill, Moment, Who};
use super::plan::Plan;
use super::training;

/// The story at its end, or under way.
pub(super) struct Told {
    pub(super) up: Up,
    pub(super) background: Character,
    pub(super) urgent: Character,
    plan: Plan,
    /// How often the server came up.
    ups: u32,
    /// Asks what does not belong to the story.
    bystander: Client,
    killed: Vec<Kill>,
}

/// A user with a training.
pub(super) struct Character {
    who: Who,
    token: String,
    /// His connection to the server that lives now.
    pub(super) client: Client,
    /// His training, once it is submitted.
    follow: Option<Follow>,
    /// Where it leaves its checkpoint and its result.
    pub(super) out: PathBuf,
}

/// Tells it to its end, on a new platform.
pub(super) async fn tell(up: Up, plan: Plan) -> Result<Told> {
    training::unpack(&up.code())?;
    let bystander = up.admin().await?;
    let background = Character::new(Who::Background, &up, &bystander).await?;
    let urgent = Character::new(Who::Urgent, &up, &bystander).await?;
    let mut told = Told {
        up,
        background,
        urgent,
        plan,
        ups: 1,
        bystander,
        killed: Vec::new(),
    };
    told.comes(&Moment::Up(1)).await?;
    told.submit(Who::Background).await?;
    while let Some((who, seen)) = told.next().await? {
        if told.is_time_for_urgent(who, &seen) {
            told.submit(Who::Urgent).await?;
        }
        told.comes(&Moment::of(who, &seen)).await?;
    }
    Ok(told)
}

impl Told {
    /// The kills that were, and those whose moment nobody saw.
    pub(super) fn summary(&self) -> String {
        let killed: Vec<String> = self.killed.iter().map(ToString::to_string).collect();
        let in_vain = self.plan.kills.len();
        format!("{in_vain} in vain; killed at {}", killed.join(" "))
    }

    /// What happens next. None when both trainings are finished.
    async fn next(&mut self) -> Result<Option<(Who, Seen)>> {
        Ok(tokio::select! {
            Some(seen) = self.background.next() => Some((Who::Background, seen?)),
            Some(seen) = self.urgent.next() => Some((Who::Urgent, seen?)),
            else => None,
        })
    }

    fn is_time_for_urgent(&self, who: Who, seen: &Seen) -> bool {
        let begin = format!("step {}/", self.plan.urgent_after);
        let is_there = matches!(seen, Seen::Line(line) if line.starts_with(&begin));
        who == Who::Background && is_there && self.urgent.follow.is_none()
    }

    async fn submit(&mut self, who: Who) -> Result<()> {
        let code = self.up.code();
        let input = training::input(who, &code, &self.of(who).out);
        if let Some(kill) = self.plan.take(&Moment::Submitting(who)) {
            let Self { up, bystander, .. } = self;
            let client = match who {
                Who::Background => &self.background.client,
                Who::Urgent => &self.urgent.client,
            };
            let dies = async {
                answers(bystander, kill.answers).await?;
                up.kill().await
            };
            // The answer may have come or not: the key makes the repetition harmless.
            let key = who.to_string();
            let (_, died) = tokio::join!(client.submit_input(&input, Some(&key)), dies);
            died?;
            self.killed.push(kill);
            self.come_back().await?;
        }
        self.of(who).submit(&input).await?;
        self.comes(&Moment::Submitted(who)).await
    }

    /// A moment has come: kills the server if the plan says so.
    async fn comes(&mut self, moment: &Moment) -> Result<()> {
        if let Some(kill) = self.plan.take(moment) {
            answers(&self.bystander, kill.answers).await?;
            self.up.kill().await?;
            self.killed.push(kill);
            self.come_back().await?;
        }
        Ok(())
    }

    /// Starts the server again, until it is not killed at once, and everybody goes on.
    async fn come_back(&mut self) -> Result<()> {
        loop {
            self.up.again().await?;
            self.ups += 1;
            self.bystander = self.up.admin().await?;
            let Some(kill) = self.plan.take(&Moment::Up(self.ups)) else {
                break;
            };
            answers(&self.bystander, kill.answers).await?;
            self.up.kill().await?;
            self.killed.push(kill);
        }
        self.background.come_back(&self.up).await?;
        self.urgent.come_back(&self.up).await
    }

    fn of(&mut self, who: Who) -> &mut Character {
        match who {
            Who::Background => &mut self.background,
            Who::Urgent => &mut self.urgent,
        }
    }
}

impl Character {
    pub(super) async fn new(who: Who, up: &Up, admin: &Client) -> Result<Self> {
        let name = who.to_string();
        let token = admin.create_user(&name).await?;
        Ok(Self {
            who,
            client: Client::connect(&up.url, &token).await?,
            token,
            follow: None,
            out: up.data_dir().join("workspaces").join(name).join("out"),
        })
    }

    /// Submits his training.
    pub(super) async fn submit(&mut self, input: &Value) -> Result<()> {
        let key = self.who.to_string();
        let id = self.client.submit_input(input, Some(&key)).await?;
        self.follow = Some(Follow::new(id, &self.client));
        Ok(())
    }

    /// His training.
    pub(super) fn task(&self) -> Result<&Follow> {
        let Self { who, follow, .. } = self;
        let follow = follow.as_ref();
        follow.with_context(|| format!("the training {who} was never submitted"))
    }

    /// What is seen of it next. None when it is finished.
    pub(super) async fn next(&mut self) -> Option<Result<Seen>> {
        self.follow.as_mut()?.next().await.transpose()
    }

    async fn come_back(&mut self, up: &Up) -> Result<()> {
        self.client = Client::connect(&up.url, &self.token).await?;
        if let Some(follow) = &mut self.follow {
            follow.go_on(&self.client);
        }
        Ok(())
    }
}

/// Lets the server answer so many questions.
async fn answers(client: &Client, count: u32) -> Result<()> {
    for _ in 0..count {
        let data = client.ask("{ tasks { totalCount } }", json!({})).await?;
        ensure!(data["tasks"]["totalCount"].is_number(), "{data}");
    }
    Ok(())
}
