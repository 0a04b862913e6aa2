//! What may be had of dev containers: three numbers, which the original packed into one.

use std::fmt;

/// Dev containers in one node group. A greater one is one with more memory, then with more processors, then with more
/// containers: the order of the packed numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevContainers {
    /// Memory of all of them together, in GiB.
    pub memory_gib: u32,
    /// Most processors of each of them.
    pub cpus: u32,
    /// How many at the same time.
    pub count: u32,
}

/// Why a number is none of three, or three do not fit into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackedError {
    /// There is no digit for the memory.
    TooShort,
    /// There are more digits than the three numbers have.
    TooLong,
    /// A number is greater than its digits can hold, or there is no memory but something else.
    OutOfRange,
}

/// The greatest numbers that can be packed.
const MOST: DevContainers = DevContainers {
    memory_gib: 9999,
    cpus: 999,
    count: 99,
};

impl DevContainers {
    /// Reads a packed number: its last two digits are the count, the three before the processors, those before the memory.
    /// Zero denies.
    ///
    /// # Errors
    /// For a negative number, and one with too few or too many digits.
    pub fn decode(packed: i64) -> Result<Self, PackedError> {
        let packed = u32::try_from(packed).map_err(|_| match packed {
            ..0 => PackedError::TooShort,
            0.. => PackedError::TooLong,
        })?;
        match packed {
            0 => Ok(Self::default()),
            1..100_000 => Err(PackedError::TooShort),
            100_000..1_000_000_000 => Ok(Self {
                memory_gib: packed / 100_000,
                cpus: packed / 100 % 1000,
                count: packed % 100,
            }),
            1_000_000_000.. => Err(PackedError::TooLong),
        }
    }

    /// The packed number, which reads as the same.
    ///
    /// # Errors
    /// [`PackedError::OutOfRange`].
    pub fn encode(self) -> Result<i64, PackedError> {
        let fits = self.memory_gib <= MOST.memory_gib
            && self.cpus <= MOST.cpus
            && self.count <= MOST.count;
        let is_short = self.memory_gib == 0 && self != Self::default();
        if !fits || is_short {
            return Err(PackedError::OutOfRange);
        }
        Ok(i64::from(self.memory_gib) * 100_000
            + i64::from(self.cpus) * 100
            + i64::from(self.count))
    }
}

impl fmt::Display for PackedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "must be 0 or have at least 6 digits: memory, 3 for cpus, 2 for the count",
            Self::TooLong => "must have at most 9 digits: 4 for the memory, 3 for cpus, 2 for the count",
            Self::OutOfRange => {
                "must have 1 to 9999 GiB, at most 999 cpus and at most 99 containers, or be 0 in all three"
            }
        })
    }
}

impl std::error::Error for PackedError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn three(memory_gib: u32, cpus: u32, count: u32) -> DevContainers {
        DevContainers {
            memory_gib,
            cpus,
            count,
        }
    }

    #[test]
    fn a_packed_number_is_three() {
        for (packed, numbers) in [
            (100_012_810, three(1000, 128, 10)),
            (0, three(0, 0, 0)),
            (100_000, three(1, 0, 0)),
            (999_999_999, MOST),
        ] {
            assert_eq!(DevContainers::decode(packed), Ok(numbers));
            assert_eq!(numbers.encode(), Ok(packed));
        }
    }

    #[test]
    fn what_is_not_three_numbers_is_refused() {
        for packed in [1, 99_999, -1, -100_012_810, i64::MIN] {
            assert_eq!(DevContainers::decode(packed), Err(PackedError::TooShort));
        }
        for packed in [1_000_000_000, i64::from(u32::MAX) + 1, i64::MAX] {
            assert_eq!(DevContainers::decode(packed), Err(PackedError::TooLong));
        }
        for numbers in [
            three(10_000, 1, 1),
            three(1, 1000, 1),
            three(1, 1, 100),
            three(0, 1, 1),
        ] {
            assert_eq!(numbers.encode(), Err(PackedError::OutOfRange));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_packed_comes_back_and_keeps_its_order(
            one in (1..=9999_u32, 0..=999_u32, 0..=99_u32),
            other in (1..=9999_u32, 0..=999_u32, 0..=99_u32),
        ) {
            let [one, other] = [one, other].map(|(memory, cpus, count)| three(memory, cpus, count));
            let packed = [one, other].map(|numbers| numbers.encode().unwrap());
            prop_assert_eq!(DevContainers::decode(packed[0]), Ok(one));
            prop_assert_eq!(packed[0].cmp(&packed[1]), one.cmp(&other));
        }
    }
}
