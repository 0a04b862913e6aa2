//! Codes that a person carries from a terminal to a browser.

use rand::Rng;

use crate::auth::hash;

/// Crockford's 32 letters: none looks like another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: 60 bits, more than can be tried in the minutes for which it is good, also by whoever has its hash.
const LENGTH: usize = 12;
/// Letters between two dashes.
const BLOCK: usize = 4;

/// A code in the clear. Shown once and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Code {
    /// A new random code.
    pub(super) fn generate(random: &mut impl Rng) -> Self {
        let mut bytes = [0_u8; LENGTH];
        random.fill_bytes(&mut bytes);
        let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
        Self(letters.iter().collect())
    }

    /// The code that a person typed: in any case, with dashes and spaces or without, and with letters for the digits
    /// that they look like.
    pub fn read(text: &str) -> Option<Self> {
        let typed = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let meant = typed.map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        let letters: String = meant.take(LENGTH + 1).collect();
        let is_ours = letters.len() == LENGTH && letters.bytes().all(|c| LETTERS.contains(&c));
        is_ours.then_some(Self(letters))
    }

    /// The text of the code, as people read it: `7K3M-Q0ZD-X4HT`.
    pub fn reveal(&self) -> String {
        let blocks: Vec<&str> = (0..LENGTH / BLOCK)
            .map(|block| &self.0[block * BLOCK..][..BLOCK])
            .collect();
        blocks.join("-")
    }

    /// What is stored of it.
    pub(super) fn hash(&self) -> String {
        hash(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = Code::generate(&mut StdRng::seed_from_u64(1));
        let shown = code.reveal();
        assert_eq!((shown.len(), shown.matches('-').count()), (14, 2));
        for typed in [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', ""),
            format!(" {} ", shown.replace('-', " ")),
            shown.replace('0', "o").replace('1', "l"),
        ] {
            assert_eq!(Code::read(&typed).as_ref(), Some(&code), "{typed}");
        }
        for wrong in [
            "",
            "7K3M-Q0ZD-X4H",
            "7K3M-Q0ZD-X4HT-0",
            "7K3M-Q0ZD-X4HU",
            "7K3M-Q0ZD-X4Hé",
        ] {
            assert_eq!(Code::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_code_is_not_printed_by_accident() {
        let code = Code::generate(&mut StdRng::seed_from_u64(1));
        assert_eq!(format!("{code:?}"), "Code(…)");
    }
}
