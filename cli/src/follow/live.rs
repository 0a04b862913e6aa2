//! Between typed subscriptions and the transport.

use cynic::StreamingOperation;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{Code, Error};

/// Why a connection did not lead to the end.
pub(crate) enum Loss {
    /// A new connection may help.
    Passing(Error),
    /// It will not.
    Final(Error),
}

impl Loss {
    pub(crate) fn of(error: Error) -> Self {
        if error.is_passing() {
            Self::Passing(error)
        } else {
            Self::Final(error)
        }
    }
}

/// The operation as the transport sends it.
pub(crate) fn operation<F, V: Serialize>(
    operation: &StreamingOperation<F, V>,
) -> std::result::Result<transport::Operation, Loss> {
    let variables = match serde_json::to_value(operation.variables()) {
        Ok(Value::Object(variables)) => variables,
        Ok(_) => serde_json::Map::new(),
        Err(error) => return Err(Loss::Final(Error::Startup(std::io::Error::other(error)))),
    };
    Ok(transport::Operation {
        query: operation.query().to_owned(),
        variables,
        operation_name: operation.operation_name().map(str::to_owned),
    })
}

/// The typed data of an event.
pub(crate) fn read<T: DeserializeOwned>(
    address: &str,
    data: Value,
) -> std::result::Result<T, Loss> {
    serde_json::from_value(data).map_err(|source| {
        Loss::Final(Error::Strange {
            address: address.to_owned(),
            source: source.into(),
        })
    })
}

/// The server ended a stream that has no end of its own: it is going down.
pub(crate) fn closed() -> transport::Error {
    transport::Error::Closed {
        code: None,
        reason: "the stream ended".to_owned(),
    }
}

/// What the transport says, in our words.
pub(crate) fn loss(address: &str, error: transport::Error) -> Loss {
    let address = address.to_owned();
    Loss::of(match error {
        transport::Error::Unreachable(_)
        | transport::Error::Silent
        | transport::Error::Closed { .. } => Error::Unreachable {
            address,
            source: Box::new(error),
        },
        transport::Error::Address(_) | transport::Error::Protocol(_) => Error::Strange {
            address,
            source: Box::new(error),
        },
        transport::Error::Unauthenticated(message) => Error::Refused {
            code: Code::Unauthenticated,
            message,
        },
        transport::Error::Graphql(_) => Error::Refused {
            code: Code::read(error.code()),
            message: error.to_string(),
        },
    })
}
