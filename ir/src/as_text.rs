//! Types whose archived form is their text.

/// Archives a type as the text it prints; reading parses the text again.
macro_rules! archive_as_text {
    ($type:ident, $parse:expr) => {
        impl rkyv::Archive for $type {
            type Archived = rkyv::string::ArchivedString;
            type Resolver = rkyv::string::StringResolver;

            fn resolve(&self, resolver: Self::Resolver, out: rkyv::Place<Self::Archived>) {
                rkyv::string::ArchivedString::resolve_from_str(&self.to_string(), resolver, out);
            }
        }

        impl<S> rkyv::Serialize<S> for $type
        where
            S: rkyv::rancor::Fallible + rkyv::ser::Writer + ?Sized,
            S::Error: rkyv::rancor::Source,
        {
            fn serialize(&self, serializer: &mut S) -> Result<Self::Resolver, S::Error> {
                rkyv::string::ArchivedString::serialize_from_str(&self.to_string(), serializer)
            }
        }

        impl<D> rkyv::Deserialize<$type, D> for rkyv::string::ArchivedString
        where
            D: rkyv::rancor::Fallible + ?Sized,
            D::Error: rkyv::rancor::Source,
        {
            fn deserialize(&self, _: &mut D) -> Result<$type, D::Error> {
                $parse(self.as_str()).map_err(rkyv::rancor::Source::new)
            }
        }
    };
}

pub(crate) use archive_as_text;
