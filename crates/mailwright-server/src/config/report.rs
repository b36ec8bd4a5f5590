//! What is wrong with a configuration, shown where it stands.

use std::fmt::{self, Write as _};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, NamedSource, Severity,
    SourceCode, SourceSpan, SpanContents,
};

use super::span::Span;

/// A text in which values stand, without its secrets.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Something that is wrong, or that the operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    severity: Severity,
    message: String,
    at: Span,
    label: String,
    /// Another place that has to do with it.
    also: Option<(Span, String)>,
    help: Option<String>,
}

impl Problem {
    /// The configuration cannot be used.
    pub(crate) fn error(at: &Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        let (message, label) = (message.into(), label.into());
        Self { severity: Severity::Error, message, at: at.clone(), label, also: None, help: None }
    }

    /// It can be used, and should be better.
    pub(crate) fn warning(at: &Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, message, label) }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points to another place in the same source.
    pub(crate) fn also(mut self, at: &Span, label: impl Into<String>) -> Self {
        self.also = (at.source == self.at.source).then(|| (at.clone(), label.into()));
        self
    }
}

/// All that was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Drops, of those behind the first `count`, what stands in a line of one of these in `text`: a line that
    /// cannot be parsed has no other mistakes.
    pub(crate) fn one_per_line(&mut self, count: usize, text: &str) {
        let line =
            |problem: &Problem| text.get(..problem.at.start).map(|before| before.matches('\n').count());
        let torn: Vec<Option<usize>> = self.0.iter().take(count).map(line).collect();
        let mut index = 0;
        self.0.retain(|problem| {
            index += 1;
            index <= count || problem.at.source != 0 || !torn.contains(&line(problem))
        });
    }

    /// Whether something is wrong within `at`.
    pub(crate) fn any_in(&self, at: &Span) -> bool {
        let within = |span: &Span| span.source == at.source && at.start <= span.start && span.end <= at.end;
        self.0.iter().any(|problem| within(&problem.at))
    }

    pub(crate) fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity == Severity::Error).count()
    }
}

/// Problems, and the sources that they stand in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
    sources: Vec<Source>,
}

impl Report {
    /// In the order in which they stand.
    pub(crate) fn new(problems: Problems, sources: Vec<Source>) -> Self {
        let mut problems = problems.0;
        problems.sort_by(|a, b| a.at.cmp(&b.at));
        problems.dedup();
        Self { problems, sources }
    }

    /// A problem that stands nowhere: the file cannot be read, say.
    pub(crate) fn of_file(name: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        let nowhere = Span::new(0, 0..0);
        let problem = Problem::error(&nowhere, message, "").with_help(help);
        Self { problems: vec![problem], sources: vec![Source { name: name.to_owned(), text: String::new() }] }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// For people: with colours only if asked for.
    pub(crate) fn render(&self, colours: bool) -> String {
        let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_context_lines(1).with_wrap_lines(false);
        let mut text = String::new();
        for problem in &self.problems {
            let source = self.sources.get(problem.at.source).filter(|source| !source.text.is_empty());
            let shown = Shown { problem, source: source.map(|source| Lines::new(source.clone())) };
            // Writing to a `String` cannot fail.
            let _ = handler.render_report(&mut text, &shown);
            text.push('\n');
        }
        let name = self.sources.first().map_or("the configuration", |source| &source.name);
        let _ = write!(text, "{}: {}", name, self.count());
        text
    }

    fn count(&self) -> String {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        match self.problems.len() - errors {
            0 => plural(errors, "error"),
            warnings => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
        }
    }
}

/// As the renderer wants it.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: Option<Lines>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(self.problem.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let span = |at: &Span, label: &String| {
            LabeledSpan::new(Some(label.clone()), at.start, at.end.saturating_sub(at.start))
        };
        let also = self.problem.also.iter().map(move |(at, label)| span(at, label));
        Some(Box::new([span(&self.problem.at, &self.problem.label)].into_iter().chain(also)))
    }
}

/// A source of which whole lines are shown, and no others.
#[derive(Debug)]
struct Lines {
    text: String,
    source: NamedSource<String>,
}

impl Lines {
    fn new(Source { name, text }: Source) -> Self {
        Self { source: NamedSource::new(name, text.clone()), text }
    }
}

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if before == 0 && after == 0 {
            // To tell line and column.
            return self.source.read_span(span, 0, 0);
        }
        let start = self.text.get(..span.offset()).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1);
        let end = span.offset() + span.len();
        let end =
            self.text.get(end..).and_then(|text| text.find('\n')).map_or(self.text.len(), |at| end + at);
        self.source.read_span(&(start, end.saturating_sub(start)).into(), 0, 0)
    }
}
