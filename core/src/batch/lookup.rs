//! Finding a value by name where the schema does not have it.

use super::RowView;
use crate::value::Value;

impl<'a> RowView<'a> {
    /// The value called `name` that does not come from the record: laid over by
    /// a processor, or shown of the process, the cgroup or the container.
    #[must_use]
    pub fn beside_schema(&self, name: &str) -> Option<Value<'a>> {
        let laid = self.overlay().filter_map(|overlay| overlay.added());
        for (key, made) in laid {
            if key.name() == name {
                return self.made(made);
            }
        }
        let actor = self.actor()?;
        let process = actor.process.as_ref().filter(|_| actor.shows_process);
        let cgroup = actor.cgroup.as_ref().filter(|_| actor.shows_cgroup);
        process
            .and_then(|process| process.attributes.get(name))
            .or_else(|| cgroup?.attributes.get(name))
            .or_else(|| actor.container.as_ref()?.attributes.get(name))
    }
}
