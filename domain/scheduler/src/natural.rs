//! The order of names as people read them.

/// A part of a name that is a number, known by its significant digits, or is none.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part<'a> {
    Number { n_digits: usize, digits: &'a [u8] },
    Text(&'a [u8]),
}

/// Sorts `node-2` before `node-10`.
pub(crate) fn natural_key(name: &str) -> Vec<Part<'_>> {
    name.as_bytes()
        .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .map(|part| {
            if !part[0].is_ascii_digit() {
                return Part::Text(part);
            }
            let zeros = part.iter().take_while(|&&digit| digit == b'0').count();
            let digits = &part[zeros..];
            Part::Number {
                n_digits: digits.len(),
                digits,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["b-1", "a-10", "a-9", "a", "a-010x", "a-10x2", "7", "a-09"];
        names.sort_by_key(|name| (natural_key(name), *name));
        assert_eq!(
            names,
            ["7", "a", "a-09", "a-9", "a-10", "a-010x", "a-10x2", "b-1"]
        );
    }
}
