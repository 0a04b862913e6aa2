//! Shows what becomes of tasks, on a wide terminal two of them side by side.

/// Columns of the narrowest terminal with two tasks side by side.
const WIDE: u16 = 100;
/// Between the two.
const BORDER: &str = " | ";
/// In front of the rest of a line that is too long.
const INDENT: usize = 4;

/// How lines are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// Columns of each of the two; `None`: one below the other, each line with the name of its task.
    half: Option<usize>,
}

/// Where a task is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Nothing is beside it.
    Whole,
    Left,
    Right,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The state of the task.
    State,
    /// What it prints.
    Log,
}

/// The place of one task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane<'a> {
    pub(super) view: View,
    pub(super) side: Side,
    pub(super) name: &'a str,
}

impl View {
    /// For a terminal with so many columns, or for something else.
    pub(super) fn new(width: Option<u16>) -> Self {
        let wide = width.filter(|width| *width >= WIDE);
        Self {
            half: wide.map(|width| (usize::from(width) - BORDER.len()) / 2),
        }
    }

    /// The names above the two columns; nothing if there are none.
    pub(super) fn heading(self, left: &str, right: &str) -> String {
        let Some(half) = self.half else {
            return String::new();
        };
        let line = "-".repeat(half);
        format!("{left:<half$}{BORDER}{right}\n{line}-+-{line}\n")
    }
}

impl Lane<'_> {
    /// A line of this task as whole lines of the screen.
    pub(super) fn lines(&self, about: About, text: &str) -> String {
        let settled: String = text
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char })
            .collect();
        let Some(half) = self.view.half.filter(|_| self.side != Side::Whole) else {
            let mark = match about {
                About::State => ':',
                About::Log => '|',
            };
            return format!("{:>11} {mark} {settled}\n", self.name);
        };
        let mark = match about {
            About::State => "* ",
            About::Log => "  ",
        };
        let empty = String::new();
        wrap(&format!("{mark}{settled}"), half)
            .iter()
            .map(|line| {
                let (left, right) = match self.side {
                    Side::Right => (&empty, line),
                    Side::Left | Side::Whole => (line, &empty),
                };
                let row = format!("{left:<half$}{BORDER}{right}");
                row.trim_end().to_owned() + "\n"
            })
            .collect()
    }
}

/// The text in lines of at most so many characters, broken between words where that is possible.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > width {
        // Never in the indentation, or nothing would be gained.
        let space = rest[..=width].iter().rposition(|char| *char == ' ');
        let at = space.filter(|at| *at > INDENT).unwrap_or(width);
        let tail: String = rest.split_off(at).iter().collect();
        lines.push(rest.iter().collect());
        rest = " "
            .repeat(INDENT)
            .chars()
            .chain(tail.trim_start().chars())
            .collect();
    }
    lines.push(rest.iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(width: Option<u16>, side: Side) -> Lane<'static> {
        Lane {
            view: View::new(width),
            side,
            name: "urgent",
        }
    }

    #[test]
    fn on_a_wide_terminal_two_tasks_stand_side_by_side() {
        let view = View::new(Some(100));
        let half = 48;
        let heading = view.heading("background", "urgent");
        let left = lane(Some(100), Side::Left).lines(About::Log, "step 20");
        let right = lane(Some(100), Side::Right).lines(About::State, "FINISHED");
        let border = |line: &str| line.find('|').or(line.find('+'));
        for line in heading.lines().chain(left.lines()).chain(right.lines()) {
            assert_eq!(border(line), Some(half + 1), "{line}");
        }
        assert!(left.starts_with("  step 20 "), "{left}");
        assert!(right.ends_with(" | * FINISHED\n"), "{right}");
    }

    #[test]
    fn elsewhere_each_line_begins_with_the_name_of_its_task() {
        for width in [None, Some(99)] {
            assert_eq!(View::new(width).heading("a", "b"), "");
            for side in [Side::Whole, Side::Left, Side::Right] {
                assert_eq!(
                    lane(width, side).lines(About::Log, "step 20"),
                    "     urgent | step 20\n"
                );
            }
        }
        assert_eq!(
            lane(Some(200), Side::Whole).lines(About::State, "a\tb"),
            "     urgent : a b\n",
            "alone it has no column, and no text moves the cursor"
        );
    }

    #[test]
    fn no_line_is_longer_than_its_column_and_no_word_is_lost() {
        let words = "waits for 2 more nodes";
        assert_eq!(
            wrap(words, 12),
            ["waits for 2", "    more", "    nodes"],
            "between words"
        );
        assert_eq!(wrap("abcdefghij", 8), ["abcdefgh", "    ij"]);
        assert_eq!(wrap("12345678", 8), ["12345678"]);
        assert_eq!(wrap("", 8), [""]);
    }
}
