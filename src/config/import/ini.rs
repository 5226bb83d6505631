//! The dialect of oslo.config: sections, `name = value` or `name: value`, and lines that go on.
//!
//! No crate reads it as it is meant: a name may stand several times and each counts, only a whole value is
//! unquoted, a `#` ends no value, and an indented line goes on with the value above it. Invariant: what the
//! ancestor would refuse is refused here, with its line; a refusal never shows a value.

/// One value as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The section; `DEFAULT` in capitals, the others in small letters.
    pub section: String,
    /// The option.
    pub name: String,
    /// The value, its lines joined.
    pub value: String,
    /// The line in which it begins, from one.
    pub line: usize,
}

/// The values of a file, in order.
///
/// # Errors
/// The first line that means nothing, and why.
pub(super) fn parse(text: &str) -> Result<Vec<Assignment>, (usize, &'static str)> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let number = index.saturating_add(1);
        reader.take(line.trim_end(), number).map_err(|wrong| (number, wrong))?;
    }
    Ok(reader.assignments)
}

#[derive(Default)]
struct Reader {
    assignments: Vec<Assignment>,
    section: Option<String>,
    /// Whether the last value may go on.
    open: bool,
}

impl Reader {
    fn take(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        if line.starts_with([' ', '\t']) {
            return self.go_on(line.trim_start());
        }
        self.open = false;
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Ok(());
        }
        match line.strip_prefix('[') {
            Some(rest) => self.begin_section(rest),
            None => self.assign(line, number),
        }
    }

    fn go_on(&mut self, more: &str) -> Result<(), &'static str> {
        match self.assignments.last_mut().filter(|_| self.open) {
            Some(last) => {
                last.value.push('\n');
                last.value.push_str(more);
                Ok(())
            }
            None => Err("an indented line goes on with a value, and there is none above it"),
        }
    }

    fn begin_section(&mut self, rest: &str) -> Result<(), &'static str> {
        let name = rest.strip_suffix(']').ok_or("a section ends with ]")?;
        if name.is_empty() {
            return Err("the section has no name");
        }
        self.section = Some(if name == "DEFAULT" { name.to_owned() } else { name.to_lowercase() });
        Ok(())
    }

    fn assign(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        let (name, value) = line.split_once(['=', ':']).ok_or("name = value is needed")?;
        let name = name.trim_end();
        if name.is_empty() {
            return Err("the option has no name");
        }
        let section = self.section.clone().ok_or("a section is needed first, such as [DEFAULT]")?;
        let (name, value) = (name.to_owned(), unquoted(value.trim()).to_owned());
        self.assignments.push(Assignment { section, name, value, line: number });
        self.open = true;
        Ok(())
    }
}

/// The value without the quotes around all of it; a lone quote is around nothing.
fn unquoted(value: &str) -> &str {
    let within = |quote| match value.strip_prefix(quote)? {
        "" => Some(""),
        rest => rest.strip_suffix(quote),
    };
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, String, usize)> {
        let all = parse(text).unwrap();
        all.into_iter().map(|one| (one.section, one.name, one.value, one.line)).collect()
    }

    fn one(section: &str, name: &str, value: &str, line: usize) -> (String, String, String, usize) {
        (section.to_owned(), name.to_owned(), value.to_owned(), line)
    }

    #[test]
    fn a_value_follows_the_first_equals_sign_or_colon() {
        let text = "[DEFAULT]\na=1\nb : x = y\nc = p:q\nd =\n";
        let wanted = [
            one("DEFAULT", "a", "1", 2),
            one("DEFAULT", "b", "x = y", 3),
            one("DEFAULT", "c", "p:q", 4),
            one("DEFAULT", "d", "", 5),
        ];
        assert_eq!(read(text), wanted);
    }

    #[test]
    fn an_indented_line_goes_on_and_keeps_what_looks_like_a_comment() {
        let text = "[S]\na = 1,\n  2,\n\t# 3\nb = x # y\n; no\n#no\n";
        assert_eq!(read(text), [one("s", "a", "1,\n2,\n# 3", 2), one("s", "b", "x # y", 5)]);
    }

    #[test]
    fn only_quotes_around_the_whole_value_are_taken_off() {
        let text = "[s]\na = \"x\"\nb = 'y'\nc = \"p\" q\nd = \"\ne = ''\nf = \"x'\n";
        let values: Vec<_> = read(text).into_iter().map(|(_, _, value, _)| value).collect();
        assert_eq!(values, ["x", "y", "\"p\" q", "", "", "\"x'"]);
    }

    #[test]
    fn a_name_may_stand_several_times_and_a_section_too() {
        let text = "[a]\nx = 1\n[B]\ny = 2\n[a]\nx = 3\n";
        assert_eq!(read(text), [one("a", "x", "1", 2), one("b", "y", "2", 4), one("a", "x", "3", 6)]);
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_line() {
        let cases = [
            ("a = 1\n", 1),
            ("[DEFAULT]\n\nnonsense\n", 3),
            ("[DEFAULT]\n= 1\n", 2),
            ("[DEFAULT\n", 1),
            ("[]\n", 1),
            ("[DEFAULT]\n  a = 1\n", 2),
            ("[DEFAULT]\na = 1\n\n  more\n", 4),
            ("[DEFAULT]\na = 1\n# between\n  more\n", 4),
        ];
        for (text, line) in cases {
            assert_eq!(parse(text).unwrap_err().0, line, "{text:?}");
        }
    }
}
