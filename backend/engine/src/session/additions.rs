//! What a program that embeds this one adds to its sessions: functions, planners, rewrites, formats of files.
//!
//! A [`PlanningSurfaceSpec`] is built once and never changed. Every addition has a name and a version, given by whoever
//! adds it: the version is another one whenever plans or values may be others, and so is the hash of the planning surface
//! then. What a spec may use of them, its author says (`session.allowed_extensions`).
//!
//! | addition | asked |
//! |---|---|
//! | functions | by their names; one takes the place of DataFusion's of its name, and never of one of this program |
//! | expression planners | after those of this program, before DataFusion's |
//! | relation planners | after those of this program |
//! | function rewrites | in their order, over every expression of a spec |
//! | extension planners | after those of this program and of the Delta library |
//! | table factories, file formats | by extension planners, in the session that they are given: no spec names one |
//!
//! A function factory is no addition: it would act in `CREATE FUNCTION`, and a spec cannot write that (the capability
//! `function_factory`). A type planner is none: the types that a spec may write are a closed list, each with its meaning
//! (`ir::expr`), and one could only give them another. Rules of the optimizers are none either: what the compiler relies on of DataFusion's and of its own
//! is told rule by rule (`rules`).

use std::fmt;
use std::sync::Arc;

use datafusion::catalog::TableProviderFactory;
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::planner::{ExprPlanner, RelationPlanner};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::physical_planner::ExtensionPlanner;
use ir::spec::{ExtensionKind, SHIPPED_EXTENSIONS};

use super::surface::shipped_names;

/// What is added under a name.
pub(super) struct Added<T> {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) value: T,
}

/// How files are read, where a session does not say otherwise. A field left out is as it is without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatPolicy {
    /// Whether the conditions of a scan are evaluated while Parquet is decoded, row by row. A spec's `pushdown_filters`
    /// goes before it.
    pub parquet_pushdown_filters: Option<bool>,
    /// Whether pages of Parquet are skipped by their statistics. A spec's `enable_page_index` goes before it.
    pub parquet_enable_page_index: Option<bool>,
    /// The byte between the values of a line of CSV, for extension planners that read it: inputs of specs are Delta tables.
    pub csv_delimiter: Option<u8>,
}

/// An addition that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceSpecError {
    /// It has no name.
    #[error("one of the {} has no name", .kind.field())]
    NoName {
        /// What it is.
        kind: ExtensionKind,
    },
    /// It has no version.
    #[error("`{name}` of the {} has no version; give it one that changes whenever plans or values may", .kind.field())]
    NoVersion {
        /// What it is.
        kind: ExtensionKind,
        /// Its name.
        name: String,
    },
    /// Its name is that of another part.
    #[error("`{name}` is the name of another of the {}; choose a name of its own", .kind.field())]
    NameTaken {
        /// What it is.
        kind: ExtensionKind,
        /// The name.
        name: String,
    },
}

/// What a program adds to the planning surface of its sessions. Clones share the additions.
#[derive(Clone, Default)]
pub struct PlanningSurfaceSpec(Arc<Additions>);

/// Makes a [`PlanningSurfaceSpec`].
#[derive(Default)]
#[must_use = "nothing is added before it is built"]
pub struct PlanningSurfaceBuilder(Additions);

#[derive(Default)]
pub(super) struct Additions {
    pub(super) scalar_functions: Vec<Added<Arc<ScalarUDF>>>,
    pub(super) aggregate_functions: Vec<Added<Arc<AggregateUDF>>>,
    pub(super) window_functions: Vec<Added<Arc<WindowUDF>>>,
    pub(super) expr_planners: Vec<Added<Arc<dyn ExprPlanner>>>,
    pub(super) relation_planners: Vec<Added<Arc<dyn RelationPlanner>>>,
    pub(super) function_rewrites: Vec<Added<Arc<dyn FunctionRewrite + Send + Sync>>>,
    pub(super) extension_planners: Vec<Added<Arc<dyn ExtensionPlanner + Send + Sync>>>,
    pub(super) table_factories: Vec<Added<Arc<dyn TableProviderFactory>>>,
    pub(super) file_formats: Vec<Added<Arc<dyn FileFormatFactory>>>,
    pub(super) format_policy: FormatPolicy,
}

impl PlanningSurfaceSpec {
    /// Makes one, addition by addition; [`PlanningSurfaceBuilder::build`] ends it.
    pub fn builder() -> PlanningSurfaceBuilder {
        PlanningSurfaceBuilder::default()
    }

    pub(super) fn additions(&self) -> &Additions {
        &self.0
    }
}

impl fmt::Debug for PlanningSurfaceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.parts().into_iter().map(|(kind, name, version)| (kind.field(), name, version));
        f.debug_list().entries(parts).finish()
    }
}

/// Declares the methods that add one kind of thing.
macro_rules! adds {
    ($($(#[$about:meta])* $method:ident($value:ident: $type:ty) to $list:ident;)+) => {
        $(
            $(#[$about])*
            pub fn $method(
                mut self,
                name: impl Into<String>,
                version: impl Into<String>,
                $value: $type,
            ) -> Self {
                self.0.$list.push(Added { name: name.into(), version: version.into(), value: $value });
                self
            }
        )+
    };
}

impl PlanningSurfaceBuilder {
    /// Adds a function of one row, with the version of its implementation. It is called by its name and its aliases.
    pub fn scalar_function(mut self, function: Arc<ScalarUDF>, version: impl Into<String>) -> Self {
        let name = function.name().to_owned();
        self.0.scalar_functions.push(Added { name, version: version.into(), value: function });
        self
    }

    /// Adds a function of many rows, as [`Self::scalar_function`].
    pub fn aggregate_function(mut self, function: Arc<AggregateUDF>, version: impl Into<String>) -> Self {
        let name = function.name().to_owned();
        self.0.aggregate_functions.push(Added { name, version: version.into(), value: function });
        self
    }

    /// Adds a function of a row and those around it, as [`Self::scalar_function`].
    pub fn window_function(mut self, function: Arc<WindowUDF>, version: impl Into<String>) -> Self {
        let name = function.name().to_owned();
        self.0.window_functions.push(Added { name, version: version.into(), value: function });
        self
    }

    adds! {
        /// Adds a planner of operators and literals of SQL.
        expr_planner(planner: Arc<dyn ExprPlanner>) to expr_planners;
        /// Adds a planner of what stands in FROM. It sees what a spec may write there: relations, joins, subqueries.
        relation_planner(planner: Arc<dyn RelationPlanner>) to relation_planners;
        /// Adds a rewrite of calls. What it gives must be what it gives for that: plans are rewritten more than once.
        function_rewrite(rewrite: Arc<dyn FunctionRewrite + Send + Sync>) to function_rewrites;
        /// Adds a planner of logical nodes of the program's own.
        extension_planner(planner: Arc<dyn ExtensionPlanner + Send + Sync>) to extension_planners;
        /// Adds what makes tables, for extension planners.
        table_factory(factory: Arc<dyn TableProviderFactory>) to table_factories;
    }

    /// Adds a format of files, by the ending of their names, for extension planners.
    pub fn file_format(mut self, format: Arc<dyn FileFormatFactory>, version: impl Into<String>) -> Self {
        let name = format.get_ext().to_lowercase();
        self.0.file_formats.push(Added { name, version: version.into(), value: format });
        self
    }

    /// Says how files are read.
    pub fn format_policy(mut self, policy: FormatPolicy) -> Self {
        self.0.format_policy = policy;
        self
    }

    /// All that was added.
    ///
    /// # Errors
    /// When an addition has no name or no version, or the name of another part of its kind: of an addition, of a part of this
    /// program, or of one of DataFusion that it could not take the place of.
    pub fn build(self) -> Result<PlanningSurfaceSpec, SurfaceSpecError> {
        let mut names = shipped_names();
        for (kind, name, version) in self.0.parts() {
            if name.trim().is_empty() {
                return Err(SurfaceSpecError::NoName { kind });
            }
            if version.trim().is_empty() {
                return Err(SurfaceSpecError::NoVersion { kind, name: name.to_owned() });
            }
            if name == SHIPPED_EXTENSIONS || !names.insert((kind, name.to_owned())) {
                return Err(SurfaceSpecError::NameTaken { kind, name: name.to_owned() });
            }
        }
        Ok(PlanningSurfaceSpec(Arc::new(self.0)))
    }
}

impl Additions {
    /// All additions by kind, name and version; functions once for each of their names.
    fn parts(&self) -> Vec<(ExtensionKind, &str, &str)> {
        fn of<T>(
            list: &[Added<T>],
            kind: ExtensionKind,
        ) -> impl Iterator<Item = (ExtensionKind, &str, &str)> {
            list.iter().map(move |added| (kind, added.name.as_str(), added.version.as_str()))
        }
        fn aliases<'a>(
            version: &'a str,
            aliases: &'a [String],
        ) -> impl Iterator<Item = (ExtensionKind, &'a str, &'a str)> {
            aliases.iter().map(move |alias| (ExtensionKind::Functions, alias.as_str(), version))
        }
        let scalar = self.scalar_functions.iter().flat_map(|it| aliases(&it.version, it.value.aliases()));
        let aggregate =
            self.aggregate_functions.iter().flat_map(|it| aliases(&it.version, it.value.aliases()));
        let window = self.window_functions.iter().flat_map(|it| aliases(&it.version, it.value.aliases()));
        of(&self.scalar_functions, ExtensionKind::Functions)
            .chain(of(&self.aggregate_functions, ExtensionKind::Functions))
            .chain(of(&self.window_functions, ExtensionKind::Functions))
            .chain(scalar)
            .chain(aggregate)
            .chain(window)
            .chain(of(&self.expr_planners, ExtensionKind::ExprPlanners))
            .chain(of(&self.relation_planners, ExtensionKind::RelationPlanners))
            .chain(of(&self.extension_planners, ExtensionKind::QueryPlanners))
            .chain(of(&self.function_rewrites, ExtensionKind::FunctionRewrites))
            .chain(of(&self.table_factories, ExtensionKind::TableFactories))
            .chain(of(&self.file_formats, ExtensionKind::FileFormats))
            .collect()
    }

    /// The version of the function that has this name, if one was added.
    pub(super) fn function_version(&self, kind: functions::FunctionKind, name: &str) -> Option<&str> {
        fn version<'a, T>(
            list: &'a [Added<T>],
            name: &str,
            aliases: impl Fn(&T) -> &[String],
        ) -> Option<&'a str> {
            let is_it =
                |it: &&Added<T>| it.name == name || aliases(&it.value).iter().any(|alias| alias == name);
            list.iter().find(is_it).map(|it| it.version.as_str())
        }
        match kind {
            functions::FunctionKind::Scalar => version(&self.scalar_functions, name, |it| it.aliases()),
            functions::FunctionKind::Aggregate => version(&self.aggregate_functions, name, |it| it.aliases()),
            functions::FunctionKind::Window => version(&self.window_functions, name, |it| it.aliases()),
        }
    }
}

/// The planners of nodes that were added to a session, in their order: an extension of its configuration, where the planners of
/// segments find it.
pub(crate) struct AddedPlanners(pub(crate) Vec<Arc<dyn ExtensionPlanner + Send + Sync>>);
