//! Numbers: GraphQL's `Int` has 32 bits, ours do not always.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// A number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Long(pub(crate) i64);

/// A whole number of 64 bits, written as a JSON number.
#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        number
            .map(Self)
            .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// A count as an `Int`; one beyond 32 bits is shown as the largest.
pub(crate) fn int(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_takes_whole_numbers_of_64_bits_only() {
        for number in [0, -1, i64::MAX, i64::MIN] {
            let long = <Long as ScalarType>::parse(Value::from(number)).unwrap();
            assert_eq!(long, Long(number));
            assert_eq!(ScalarType::to_value(&long), Value::from(number));
        }
        for value in [
            Value::from(1.5),
            Value::from(u64::MAX),
            Value::from("1"),
            Value::Null,
        ] {
            assert!(<Long as ScalarType>::parse(value).is_err());
        }
    }

    #[test]
    fn a_count_that_does_not_fit_is_shown_as_the_largest() {
        assert_eq!(int(7_u64), 7);
        assert_eq!(int(u64::MAX), i32::MAX);
    }
}
