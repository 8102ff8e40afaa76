//! What is longer than a screen, page by page: through the user's pager, or a page at a time with a question between them.
//! Nothing is held but a screen: rows are computed when they are looked at.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use console::{Key, Term};

use super::Screen;

/// The question between two pages.
const QUESTION: &str = "-- space: a page, enter: a line, G: to the end, q: enough --";
/// Said while everything to the end is computed.
const PASSING: &str = "-- to the end; Ctrl-C stops --";
/// Back to the begin of the line, and nothing on it.
const CLEAR: &[u8] = b"\r\x1b[K";

/// Lines on their way to a terminal, or anywhere.
pub(crate) struct Paged<'a> {
    out: &'a mut dyn Write,
    screen: Screen,
    pager: Option<OsString>,
    state: State,
    /// The line that is being written.
    line: Vec<u8>,
}

enum State {
    /// Everything goes on as it comes.
    Off,
    /// Less than a screen has come.
    First(Vec<Vec<u8>>),
    /// The user's pager shows it.
    Piped(Child, ChildStdin),
    /// So many lines may be shown before the next question.
    Asking(usize),
    /// The end alone is of interest: so many lines of it are kept.
    Passing(VecDeque<Vec<u8>>),
    /// Whoever looks has seen enough.
    Ended,
}

/// What of further rows is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of them, as far as is asked.
    All,
    /// So many at the end.
    Last(usize),
}

impl<'a> Paged<'a> {
    /// Pages of this size, shown by this command of a shell if there is one.
    pub(crate) fn new(out: &'a mut dyn Write, screen: Screen, pager: Option<OsString>) -> Self {
        Self { out, screen, pager, state: State::First(Vec::new()), line: Vec::new() }
    }

    /// Everything at once.
    pub(crate) fn off(out: &'a mut dyn Write) -> Self {
        let screen = Screen { rows: usize::MAX, columns: usize::MAX };
        Self { out, screen, pager: None, state: State::Off, line: Vec::new() }
    }

    /// What of the rows that come next is wanted.
    pub(crate) fn wanted(&self) -> Wanted {
        match self.state {
            State::Passing(_) => Wanted::Last(self.page()),
            _ => Wanted::All,
        }
    }

    /// The lines of a page: one is left for the question.
    fn page(&self) -> usize {
        self.screen.rows.saturating_sub(1).max(1)
    }

    /// Shows what is left, and waits until the user's pager is done.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.line(line)?;
        }
        match self.state {
            State::First(lines) => lines.iter().try_for_each(|line| self.out.write_all(line))?,
            State::Passing(lines) => {
                self.out.write_all(CLEAR)?;
                lines.iter().try_for_each(|line| self.out.write_all(line))?;
            }
            State::Piped(mut pager, rest) => {
                drop(rest);
                pager.wait()?;
            }
            State::Off | State::Asking(_) | State::Ended => {}
        }
        self.out.flush()
    }

    /// Takes in a whole line.
    fn line(&mut self, line: Vec<u8>) -> io::Result<()> {
        let page = self.page();
        match &mut self.state {
            State::Off => return self.out.write_all(&line),
            State::First(lines) => {
                lines.push(line);
                if lines.len() > page {
                    let lines = std::mem::take(lines);
                    return self.begin(lines);
                }
            }
            State::Piped(_, to) => {
                if let Err(error) = to.write_all(&line) {
                    return Err(self.end(error));
                }
            }
            State::Asking(0) => {
                self.ask()?;
                return self.line(line);
            }
            State::Asking(left) => {
                *left -= 1;
                return self.out.write_all(&line);
            }
            State::Passing(lines) => {
                lines.push_back(line);
                if lines.len() > page {
                    lines.pop_front();
                }
            }
            State::Ended => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(())
    }

    /// There is more than a screen.
    fn begin(&mut self, lines: Vec<Vec<u8>>) -> io::Result<()> {
        self.out.flush()?;
        self.state = match self.pager.take() {
            Some(pager) => {
                let mut command = Command::new("sh");
                let mut child = command.arg("-c").arg(&pager).stdin(Stdio::piped()).spawn()?;
                match child.stdin.take() {
                    Some(to) => State::Piped(child, to),
                    None => State::Off,
                }
            }
            None => State::Asking(self.page()),
        };
        lines.into_iter().try_for_each(|line| self.line(line))
    }

    /// Asks how to go on.
    fn ask(&mut self) -> io::Result<()> {
        self.show(QUESTION)?;
        let terminal = Term::stdout();
        loop {
            self.state = match terminal.read_key_raw()? {
                Key::Char(' ' | 'f') | Key::PageDown => State::Asking(self.page()),
                Key::Enter | Key::Char('j') | Key::ArrowDown => State::Asking(1),
                Key::Char('G') | Key::End => {
                    self.out.write_all(CLEAR)?;
                    self.show(PASSING)?;
                    self.state = State::Passing(VecDeque::new());
                    return Ok(());
                }
                Key::Char('q' | 'Q') | Key::Escape | Key::CtrlC | Key::Char('\u{4}') => {
                    self.out.write_all(CLEAR)?;
                    return Err(self.end(io::ErrorKind::BrokenPipe.into()));
                }
                _ => continue,
            };
            return self.out.write_all(CLEAR);
        }
    }

    fn show(&mut self, text: &str) -> io::Result<()> {
        write!(self.out, "\x1b[7m{text}\x1b[0m")?;
        self.out.flush()
    }

    fn end(&mut self, error: io::Error) -> io::Error {
        if let State::Piped(mut pager, to) = std::mem::replace(&mut self.state, State::Ended) {
            drop(to);
            // It shows what it has until its user ends it; what came of it is the user's affair.
            let _ = pager.wait();
        }
        error
    }
}

impl Write for Paged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.state, State::Off) {
            return self.out.write(bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.line(line)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Piped(_, to) => to.flush(),
            _ => self.out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: usize, screen: Screen, pager: Option<&str>) -> String {
        let mut out = Vec::new();
        let mut paged = Paged::new(&mut out, screen, pager.map(OsString::from));
        for line in 0..lines {
            writeln!(paged, "{line}").unwrap();
        }
        write!(paged, "end").unwrap();
        paged.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_fits_on_a_screen_is_shown_as_it_is() {
        let screen = Screen { rows: 5, columns: 80 };
        assert_eq!(shown(3, screen, Some("false")), "0\n1\n2\nend");
    }

    #[test]
    fn what_does_not_fit_goes_to_the_pager() {
        let folder = std::env::temp_dir().join(format!("paged-{}", std::process::id()));
        let screen = Screen { rows: 5, columns: 80 };
        let pager = format!("cat > '{}'", folder.display());
        assert_eq!(shown(1000, screen, Some(&pager)), "");
        let text = std::fs::read_to_string(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!((text.lines().count(), text.ends_with("999\nend")), (1001, true));
    }

    #[test]
    fn a_pager_that_is_left_ends_the_rows() {
        let mut out = Vec::new();
        let mut paged =
            Paged::new(&mut out, Screen { rows: 5, columns: 80 }, Some("head -n 1 > /dev/null".into()));
        let written = (0..1_000_000).try_for_each(|line| writeln!(paged, "{line}"));
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        paged.finish().unwrap();
    }

    #[test]
    fn without_pages_nothing_is_held() {
        let mut out = Vec::new();
        let mut paged = Paged::off(&mut out);
        paged.write_all(b"a\nb").unwrap();
        assert_eq!(paged.wanted(), Wanted::All);
        paged.finish().unwrap();
        assert_eq!(out, b"a\nb");
    }
}
