//! What `run` tells of single commands.

use eunomia_integration::{APART, Event, Image, Kernel, Record};

use super::Seen;

impl Seen {
    /// Two programs that had the host's process id after each other are two.
    #[track_caller]
    pub(super) fn reused_pids_are_told_apart(&mut self) {
        self.read("reuse.jsonl", "reuse.log");
        let records = self.said("reuse.said");
        let images: Vec<_> = records.iter().filter_map(Record::as_exec).collect();
        let pairs = images.chunks(2).filter(|pair| pair[0].pid == pair[1].pid);
        let mut count = 0;
        for pair in pairs {
            let ids: Vec<_> = pair.iter().map(|image| self.image_id(image)).collect();
            assert_ne!(ids[0], ids[1], "{pair:?}");
            let codes = [&ids[0], &ids[1]].map(|id| self.exit_codes(id));
            assert_eq!(codes, [[Some(1)], [Some(2)]], "{pair:?}");
            count += 1;
        }
        assert!(count > 0, "{images:?}");
    }

    /// The codes of all exits of the image with this id.
    fn exit_codes(&self, id: &str) -> Vec<Option<i64>> {
        let is_its_exit = |event: &&Event| {
            event.kind() == "process.exit" && event.text("eunomia.process.exec_id") == Some(id)
        };
        let exits = self.events.iter().filter(is_its_exit);
        let codes = exits.map(|event| event.integer("process.exit.code"));
        codes.collect()
    }

    /// The id under which the exec of this image came out.
    #[track_caller]
    fn image_id(&self, image: &Image) -> String {
        let texts: Vec<_> = image.args.iter().map(|text| text.0.clone()).collect();
        let is_its_exec = |event: &&Event| {
            event.kind() == "process.exec"
                && event.integer("process.pid") == Some(image.pid.into())
                && event.list("process.command_args").as_ref() == Some(&texts)
        };
        let found: Vec<_> = self.events.iter().filter(is_its_exec).collect();
        assert_eq!(found.len(), 1, "{found:?} of {image:?}");
        found[0].text("eunomia.process.exec_id").unwrap().to_owned()
    }

    /// Of a flood that several threads make, everything comes out but what the kernel skipped.
    #[track_caller]
    pub(super) fn flood_is_seen_or_missed(&mut self) {
        self.read("flood.jsonl", "flood.log");
        let did = match self.said("flood.said").as_slice() {
            [Record::Flood { calls, .. }] => *calls,
            other => panic!("{other:?}"),
        };
        let of_flood = |event: &&Event| event.text("file.path") == Some("/etc/hostname");
        let seen = self.events.iter().filter(of_flood).count() as u64;
        let missed = if self.kernel == Kernel::V7 {
            self.missed
        } else {
            0
        };
        assert!(
            seen <= did && did <= seen + missed,
            "{seen} of {did}, {missed} missed"
        );
    }

    /// Sockets that are taken apart and try again have an outcome for each attempt.
    #[track_caller]
    pub(super) fn each_attempt_has_its_outcome(&mut self) {
        self.missed = 0;
        self.read("apart.jsonl", "apart.log");
        let of_connect = |event: &&Event| event.kind() == "network.connect";
        let attempts = self.events.iter().filter(of_connect);
        let outcomes: Vec<_> = attempts.map(|event| event.text("error.type")).collect();
        let excused = self.kernel == Kernel::V7 && self.missed > 0;
        assert!(
            outcomes == APART || excused,
            "{:?}: {outcomes:?}",
            self.kernel
        );
    }
}
