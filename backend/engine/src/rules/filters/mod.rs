//! Filters that stay where they are, because DataFusion would move them to where they mean something else.

mod by_name;
mod of_groups;

pub(crate) use by_name::FiltersByName;
pub(crate) use of_groups::FiltersOfGroups;
