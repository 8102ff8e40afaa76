//! `driver passes`: the pipeline.

use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, table};

pub(in crate::commands) fn run(context: &mut Context<'_>) -> Result<(), Failure> {
    if context.console.is_json() {
        let rows = passes::PIPELINE.iter().map(|pass| {
            serde_json::json!({
                "number": pass.number, "name": pass.name, "family": pass.family.name(),
                "requires": pass.requires.name(), "ensures": pass.ensures.name(), "about": pass.about,
            })
        });
        return context.console.print_json(&rows.collect());
    }
    let headers = [
        ("stage", Align::Left),
        ("family", Align::Left),
        ("from", Align::Left),
        ("to", Align::Left),
        ("what it does", Align::Left),
    ];
    let rows = passes::PIPELINE.iter().map(|pass| {
        let texts =
            [&pass.stage(), pass.family.name(), pass.requires.name(), pass.ensures.name(), pass.about];
        texts.map(str::to_owned).to_vec()
    });
    context.console.print(&table(&headers, rows))
}
