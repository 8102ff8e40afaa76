//! The macro that turns one declaration of the tables into schemas, row types and builders.

/// Declares all tables. For each: a description, the identifier of the table (also its name), the row type
/// and the columns with description and type. Every table starts with `file_id` and `path`. In brackets stand,
/// where the table has them, the column that identifies its rows (with the word that the identifiers are hashed with,
/// unless the rows are syntax nodes) and what the rows are stored by.
macro_rules! define_tables {
    ($(
        #[doc = $table_doc:literal]
        $name:ident: $variant:ident => $row:ident, $builder:ident
        $( [id $row_id:ident $( hashed as $hashed_as:literal )?] )?
        $( [order $( $sort:ident $direction:ident ),+] )?
        {
            $( #[doc = $column_doc:literal] $column:ident: $type:ident, )*
        }
    )*) => {
        /// An extraction table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Table {
            $( #[doc = $table_doc] $variant, )*
        }

        impl Table {
            /// All tables, in the order they are described.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )*];

            /// The table's name, as used for its folder in the lake.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($name), )* }
            }

            /// What one row of the table is.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $( Self::$variant => $table_doc.trim_ascii(), )* }
            }

            /// The column that identifies the table's rows; none for tables whose rows have no identity of their own.
            #[must_use]
            pub fn row_id(self) -> Option<&'static str> {
                match self { $( Self::$variant => [$( stringify!($row_id) )?].first().copied(), )* }
            }

            /// What the table's rows are to be stored by, so that joins by spans need not sort them: by file and span, outermost
            /// first. Nothing for tables that no span joins. Rows arrive in the order of files, within a file in any.
            #[must_use]
            pub fn order(self) -> &'static [SortKey] {
                match self {
                    $( Self::$variant => const { &[$( $( SortKey::$direction(stringify!($sort)), )+ )?] }, )*
                }
            }

            /// The columns with their meaning, in schema order.
            #[must_use]
            pub fn columns(self) -> Vec<Column> {
                let mut columns = vec![
                    Column { name: "file_id", description: "Identifier of the file: hash of its path." },
                    Column { name: "path", description: "Path relative to the repository, with `/`; after its name where it has one." },
                ];
                match self {
                    $( Self::$variant => {
                        $( columns.push(Column {
                            name: stringify!($column),
                            description: $column_doc.trim_ascii(),
                        }); )*
                    } )*
                }
                columns
            }

            /// The Arrow schema.
            #[must_use]
            pub fn schema(self) -> SchemaRef {
                let mut fields = vec![
                    Field::new("file_id", DataType::Int64, false),
                    Field::new("path", DataType::Utf8, false),
                ];
                match self {
                    $( Self::$variant => {
                        $( fields.push(Field::new(
                            stringify!($column), $type::data_type(), $type::NULLABLE,
                        )); )*
                    } )*
                }
                Arc::new(Schema::new(fields))
            }
        }

        $(
            #[doc = $table_doc]
            pub(crate) struct $row<'a> {
                $( #[doc = $column_doc] pub(crate) $column: <$type as ColumnType>::Value<'a>, )*
                /// Ties rows without borrowed columns to the file's lifetime as well.
                pub(crate) file: &'a FileKey<'a>,
            }

            $( $(
                impl $row<'_> {
                    /// The word that the identifiers of these rows are hashed with.
                    pub(crate) const HASHED_AS: &'static str = $hashed_as;
                }
            )? )?

            #[derive(Default)]
            struct $builder {
                file_id: Int64Builder,
                path: StringBuilder,
                $( $column: <$type as ColumnType>::Builder, )*
            }

            impl $builder {
                fn push(&mut self, row: $row<'_>) {
                    self.file_id.append_value(row.file.file_id);
                    self.path.append_value(row.file.path);
                    $( $type::append(&mut self.$column, row.$column); )*
                }

                fn finish(mut self) -> Result<RecordBatch, ArrowError> {
                    let columns: Vec<ArrayRef> = vec![
                        Arc::new(self.file_id.finish()),
                        Arc::new(self.path.finish()),
                        $( $type::finish(&mut self.$column), )*
                    ];
                    RecordBatch::try_new(Table::$variant.schema(), columns)
                }
            }
        )*

        /// One builder for every table.
        #[derive(Default)]
        pub(crate) struct TableBuilders {
            $( $name: $builder, )*
        }

        impl TableBuilders {
            $(
                #[doc = concat!("Appends a row to `", stringify!($name), "`.")]
                pub(crate) fn $name(&mut self, row: $row<'_>) {
                    self.$name.push(row);
                }
            )*

            /// The batches of the tables that have rows.
            pub(crate) fn finish(self) -> Result<Vec<(Table, RecordBatch)>, ArrowError> {
                let mut batches = Vec::new();
                $(
                    let batch = self.$name.finish()?;
                    if batch.num_rows() > 0 {
                        batches.push((Table::$variant, batch));
                    }
                )*
                Ok(batches)
            }
        }
    };
}
pub(super) use define_tables;
