//! Why an expression or an operation has no type.

use sqlparser::tokenizer::Span;

/// Why an expression or an operation has no type, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TypeError {
    /// What is wrong.
    pub kind: Box<TypeErrorKind>,
    /// The place in the text of the expression or query, where it is known.
    pub span: Option<Span>,
}

impl From<TypeErrorKind> for TypeError {
    fn from(kind: TypeErrorKind) -> Self {
        Self { kind: Box::new(kind), span: None }
    }
}

/// Why an expression or an operation has no type. Each kind has its own diagnostic code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeErrorKind {
    /// A column that the input does not have.
    #[error("there is no column `{name}`")]
    UnknownColumn {
        /// The name as it was understood.
        name: String,
        /// The columns there are.
        candidates: Vec<String>,
    },
    /// A column that several relations of a query have.
    #[error("`{name}` can mean several columns")]
    AmbiguousColumn {
        /// The name.
        name: String,
    },
    /// A function nobody registered.
    #[error("there is no function `{name}`")]
    UnknownFunction {
        /// The name.
        name: String,
        /// Functions with similar names.
        candidates: Vec<String>,
    },
    /// A function that exists, with arguments none of its forms takes.
    #[error("{}", wrong_arguments(function, given.as_deref(), reason.as_deref()))]
    WrongArguments {
        /// The function.
        function: String,
        /// The types of the arguments, where they are known.
        given: Option<String>,
        /// What the function itself says about them.
        reason: Option<String>,
        /// The arguments the function takes, a text for each form.
        forms: Vec<String>,
    },
    /// A relation a query names that is not among its inputs.
    #[error("there is no relation `{name}`")]
    UnknownRelation {
        /// The name.
        name: String,
    },
    /// A call that is not possible at this place, such as an aggregate in a projection.
    #[error("{0}")]
    Misplaced(String),
    /// An expression of a window operation that is not a window call.
    #[error("{0}")]
    NotAWindow(String),
    /// Part of a call that its function does not take, such as a FILTER of a scalar function.
    #[error("{message}")]
    Clause {
        /// What is not taken.
        message: String,
        /// What to write instead.
        help: String,
    },
    /// SQL that the engine cannot compute, or not with the right rows. The text says what to write instead.
    #[error("{0}")]
    NotComputed(String),
    /// Anything else, in the words of the engine.
    #[error("{0}")]
    Other(String),
}

fn wrong_arguments(function: &str, given: Option<&str>, reason: Option<&str>) -> String {
    match (given, reason) {
        (_, Some(reason)) => format!("`{function}` does not take these arguments: {reason}"),
        (Some(""), None) => format!("`{function}` needs arguments"),
        (Some(given), None) => format!("`{function}` does not take ({given})"),
        (None, None) => format!("`{function}` does not take these arguments"),
    }
}
