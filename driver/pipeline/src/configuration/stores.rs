//! The section `[stores]`: what opens a store that is not a folder, by the names of variables.
//!
//! ```toml
//! [stores."s3://bucket/prefix"]
//! access_key_id = "env:AWS_ACCESS_KEY_ID"
//! ```
//!
//! No build of this program has such stores ([`ir::capability::OBJECT_STORES`]), so no variable is ever looked up. Its form is
//! checked first all the same: a secret that is written out is worth more than the news that it is of no use.

use std::ops::Range;

use ir::capability::OBJECT_STORES;
use ir::diag::{Code, Diagnostic, codes};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a value that names a variable begins with.
const REFERENCE: &str = "env:";

/// What is wrong with the section; at least that there are no stores, when it has one.
pub(super) fn findings(section: &Spanned<DeValue<'_>>) -> Vec<Diagnostic> {
    let Some(stores) = section.get_ref().as_table() else {
        let message = "`stores` is a table of stores: `[stores.\"s3://bucket/prefix\"]`";
        return vec![finding(codes::CONFIGURATION_VALUE, message.to_owned(), section.span())];
    };
    let mut found = Vec::new();
    for (name, options) in stores {
        found.extend(name_refusal(name.get_ref()).map(|reason| {
            finding(codes::CONFIGURATION_VALUE, format!("the name of a store {reason}"), name.span())
        }));
        match options.get_ref().as_table() {
            Some(options) => found.extend(option_findings(options)),
            None => found.push(finding(
                codes::CONFIGURATION_VALUE,
                "a store is a table of options, such as `access_key_id = \"env:AWS_ACCESS_KEY_ID\"`"
                    .to_owned(),
                options.span(),
            )),
        }
        let message = format!("stores cannot be used: {}", OBJECT_STORES.reason);
        let unavailable = finding(codes::CAPABILITY_UNAVAILABLE, message, name.span());
        found.push(unavailable.about("capability", OBJECT_STORES.name).help("remove the section"));
    }
    found
}

fn finding(code: Code, message: String, place: Range<usize>) -> Diagnostic {
    Diagnostic::new(code, message).at_bytes(place)
}

/// Why a text is no name of a store, if it is none. It is not repeated: there may be a password in it.
fn name_refusal(name: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = name.split_once("://") else {
        return Some("is a URL with a scheme, such as `s3://bucket/prefix`");
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.chars().all(|next| next.is_ascii_lowercase() || next.is_ascii_digit());
    if !is_scheme || scheme == "file" {
        return Some("is a URL of a store: folders of this machine are `roots`");
    }
    if rest.contains('@') {
        return Some("has no credentials in it; give them as options, by `env:NAME`");
    }
    if rest.contains(['?', '#', '*', '\\', '%']) || rest.split('/').any(|part| part == "..") {
        return Some("has no query, fragment, pattern, escape or `..` in it");
    }
    rest.split('/').next().is_none_or(str::is_empty).then_some("has the name of a bucket after its scheme")
}

/// Options that do not name a variable.
fn option_findings(options: &DeTable<'_>) -> Vec<Diagnostic> {
    let wrong = options.iter().filter_map(|(name, value)| {
        let name = name.get_ref();
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("`{name}` names a variable of the environment: `\"env:NAME\"`");
            return Some(finding(codes::CONFIGURATION_VALUE, message, value.span()));
        };
        let Some(variable) = text.strip_prefix(REFERENCE) else {
            let message = format!("`{name}` is written out, and it may be a secret");
            let found = finding(codes::LITERAL_SECRET, message, value.span());
            return Some(found.help("name the variable of the environment that has it: `\"env:NAME\"`"));
        };
        let is_name = variable.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && variable.chars().all(|next| next.is_ascii_alphanumeric() || next == '_');
        if is_name {
            return None;
        }
        let message = format!("`{name}` names no variable: after `env:` come letters, digits and `_`");
        Some(finding(codes::CONFIGURATION_VALUE, message, value.span()))
    });
    wrong.collect()
}
