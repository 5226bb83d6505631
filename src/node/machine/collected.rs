//! What a run found, from the moment it is known to the end of the run, which writes it down.

use super::NodeMachine;
use crate::build_data::item;
use crate::build_data::{Collection, Item};
use crate::node::order::Plan;
use crate::node::posting::Posting;
use crate::store::documents::Packed;
use crate::store::transition::Transition;

/// Build data on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Collected {
    /// Contents that are not kept yet.
    contents: Vec<Packed>,
    /// What the rows say.
    written: Collection,
}

impl NodeMachine {
    /// The hooks are through: the plan tells what is to be written, of contents that are kept with it.
    pub(super) fn collect(&mut self, plan: &Plan, contents: Vec<Packed>) {
        self.collected = Some(Collected { contents, written: plan.build.clone() });
    }

    /// The run may end before the hooks are through: then what was posted is all there is.
    pub(super) fn collect_posted(&mut self, posting: &Posting) {
        if self.collected.is_some() {
            return;
        }
        let items = item::of_posting(&posting.raw, posting.logs.as_ref(), &self.settings.generators);
        let items = items.unwrap_or_else(|error| {
            log::error!("What was posted can not be kept as build data node={} error={error}", self.uuid);
            Vec::new()
        });
        let references = items.iter().map(Item::reference).collect();
        let written = Collection { items: references, ..Collection::default() };
        let contents = items.into_iter().map(|item| item.content).collect();
        self.collected = Some(Collected { contents, written });
    }

    /// Contents are kept with the first commit that comes, rows are written with the end of the run.
    pub(super) fn add_collected(&mut self, transition: &mut Transition) {
        if transition.runs.begun.is_some() {
            self.collected = None;
            return;
        }
        let Some(collected) = &mut self.collected else { return };
        transition.build.contents = std::mem::take(&mut collected.contents);
        if transition.runs.ended.is_some() {
            transition.build.written = self.collected.take().map(|collected| collected.written);
        }
    }
}
