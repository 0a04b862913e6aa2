//! What the command wants of the server, carried there by its agent.

use tokio::sync::oneshot;
use transport::Error;

use super::Failure;
use crate::control::Answer;

/// A wish. Each may be carried out twice without harm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wish {
    /// The next run of the task is to get this whole life state.
    LifeState { state: i32 },
    /// The task is to have this priority, and this place among the tasks of its user.
    Priority {
        priority: String,
        custom_rank: Option<f64>,
    },
    /// The command cannot go on here.
    Failure { hardware_ok: bool, message: String },
}

/// A wish and where its answer goes.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) wish: Wish,
    pub(crate) reply: oneshot::Sender<Answer>,
}

impl Errand {
    /// Whether nobody waits for the answer any more. What was not begun then is left undone.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

/// Gives the answer to who waits, or keeps the errand for the next connection if this one broke.
pub(super) fn settle(
    errand: &mut Option<Errand>,
    answer: Result<serde_json::Value, Error>,
) -> Result<(), Failure> {
    let answer = match answer {
        Err(source) if source.is_retryable() => {
            let what = "a wish of the command";
            return Err(Failure::Server { what, source });
        }
        Err(refusal) => Err(refusal.to_string()),
        Ok(_done) => Ok(()),
    };
    if let Some(errand) = errand.take() {
        // The command may have gone.
        let _ = errand.reply.send(answer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use transport::GraphqlError;

    use super::*;

    fn errand() -> (Option<Errand>, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let wish = Wish::LifeState { state: 3 };
        (Some(Errand { wish, reply }), answer)
    }

    #[test]
    fn a_broken_connection_keeps_the_errand() {
        let (mut kept, mut answer) = errand();
        assert!(settle(&mut kept, Err(Error::Silent)).is_err());
        assert!(kept.is_some_and(|errand| !errand.is_abandoned()));
        assert!(answer.try_recv().is_err());
    }

    #[test]
    fn the_servers_answer_is_passed_on() {
        let (mut done, mut answer) = errand();
        settle(&mut done, Ok(serde_json::Value::Null)).unwrap();
        assert!(done.is_none());
        assert_eq!(answer.try_recv().unwrap(), Ok(()));

        let refusal: GraphqlError = serde_json::from_str(r#"{"message":"No."}"#).unwrap();
        let (mut done, mut answer) = errand();
        settle(&mut done, Err(Error::Graphql(vec![refusal]))).unwrap();
        assert_eq!(answer.try_recv().unwrap(), Err("No.".to_owned()));
    }
}
