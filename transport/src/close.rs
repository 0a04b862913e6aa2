//! Why a WebSocket was closed.

/// The close codes of graphql-transport-ws, and the two of WebSocket itself that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The conversation is over and nothing is wrong.
    Normal = 1000,
    /// The server shuts down; connect again soon.
    GoingAway = 1001,
    /// A message that the protocol does not know, or not in this direction.
    BadRequest = 4400,
    /// An operation before the connection was initialised.
    Unauthorized = 4401,
    /// The token of the initialisation is not accepted.
    Forbidden = 4403,
    /// The client does not offer [`crate::SUBPROTOCOL`].
    SubprotocolNotAcceptable = 4406,
    /// The client did not initialise the connection in time.
    InitialisationTimeout = 4408,
    /// The client used the id of an operation that still runs.
    SubscriberAlreadyExists = 4409,
    /// The client initialised the connection twice.
    TooManyInitialisationRequests = 4429,
    /// The server failed.
    InternalServerError = 4500,
}

impl CloseCode {
    const ALL: [Self; 10] = [
        Self::Normal,
        Self::GoingAway,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::SubprotocolNotAcceptable,
        Self::InitialisationTimeout,
        Self::SubscriberAlreadyExists,
        Self::TooManyInitialisationRequests,
        Self::InternalServerError,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The meaning of a number from the wire; `None` for one that the protocol does not define.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// The reason to send along; [`CloseCode::SubscriberAlreadyExists`] is better told with the id.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::GoingAway => "Going away",
            Self::BadRequest => "Bad request",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::SubprotocolNotAcceptable => "Subprotocol not acceptable",
            Self::InitialisationTimeout => "Connection initialisation timeout",
            Self::SubscriberAlreadyExists => "Subscriber already exists",
            Self::TooManyInitialisationRequests => "Too many initialisation requests",
            Self::InternalServerError => "Internal server error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CloseCode;

    #[test]
    fn each_code_is_found_by_its_number() {
        for known in CloseCode::ALL {
            assert_eq!(CloseCode::from_code(known.code()), Some(known));
        }
        assert_eq!(CloseCode::from_code(4402), None);
    }
}
