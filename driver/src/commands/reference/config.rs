//! `driver config`: what specs may use and what is preferred, and who says so.

use pipeline::configuration::{AllowedFolder, Configuration, Kind, SETTINGS, Setting};
use serde_json::{Value, json};

use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, table};

pub(in crate::commands) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    let configuration = context.configuration()?;
    if context.console.is_json() {
        let document = document(configuration);
        return context.console.print_json(&document);
    }
    let text = text(configuration);
    context.console.print(&text)
}

/// The folders that a setting allows.
fn folders<'a>(setting: &Setting, configuration: &'a Configuration) -> Vec<&'a AllowedFolder> {
    let Kind::Roots(access) = setting.kind else { return Vec::new() };
    configuration.folders().iter().filter(|allowed| allowed.access == access).collect()
}

fn document(configuration: &Configuration) -> Value {
    let settings = SETTINGS.iter().map(|setting| {
        let mut shown = json!({
            "key": setting.name, "variable": setting.variable, "option": setting.option, "default": setting.default,
        });
        if let Kind::Roots(_) = setting.kind {
            let folders = folders(setting, configuration).into_iter();
            let folders = folders.map(|it| json!({"folder": it.folder.display().to_string(), "from": it.origin}));
            shown["folders"] = folders.collect();
        } else {
            let value = configuration.value(setting.key);
            shown["value"] = json!(value.map(|(value, _)| value));
            shown["from"] = json!(value.map(|(_, origin)| origin));
        }
        shown
    });
    json!({
        "file": configuration.file().map(|file| file.display().to_string()),
        "settings": settings.collect::<Vec<_>>(),
    })
}

fn text(configuration: &Configuration) -> String {
    let headers = ["setting", "value", "from", "variable", "option"].map(|header| (header, Align::Left));
    let rows = SETTINGS.iter().flat_map(|setting| {
        let row = |value: String, from: String| {
            [setting.name.to_owned(), value, from, setting.variable.to_owned(), setting.option.to_owned()]
                .to_vec()
        };
        let allowed = folders(setting, configuration).into_iter();
        let mut rows: Vec<Vec<String>> =
            allowed.map(|it| row(it.folder.display().to_string(), it.origin.to_string())).collect();
        if let Some((value, origin)) = configuration.value(setting.key) {
            rows.push(row(value.to_string(), origin.to_string()));
        }
        if rows.is_empty() || matches!(setting.kind, Kind::Roots(_)) {
            rows.insert(0, row(setting.default.to_owned(), "default".to_owned()));
        }
        rows
    });
    let file = match configuration.file() {
        Some(file) => format!("configuration: {}\n", ir::diag::escape_text(&file.display().to_string())),
        None => "configuration: no file\n".to_owned(),
    };
    format!("{file}\n{}", table(&headers, rows))
}
