/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The end of a cgroup, and so of a container: its directory is removed, and nobody lives in it any more. */
#ifndef EUNOMIA_BASE_CGROUP_END_H
#define EUNOMIA_BASE_CGROUP_END_H

struct cgroup_end_event {
	struct event_header header; /* cgroup_id and cgroup_hierarchy are the cgroup's, the rest who removed it */
};
LIFECYCLE_EVENT(cgroup_end_event, "", "cgroup_end");

static __always_inline void report_cgroup_end(struct eun_cgroup key)
{
	struct counters *tally = eun_counters_of(kind_cgroup_end_event);
	struct cgroup_end_event *event;

	if (!tally)
		return;
	eun_count(&tally->seen);
	event = bpf_ringbuf_reserve(&eun_lifecycle, sizeof(*event), 0);
	if (!event) {
		eun_count(&tally->ring_full);
		return;
	}
	eun_fill_header(&event->header, kind_cgroup_end_event, eun_current());
	event->header.flags = RECORD_STATE_ONLY;
	event->header.size = sizeof(*event);
	event->header.cgroup_id = key.id;
	event->header.cgroup_hierarchy = key.hierarchy;
	eun_count(&tally->submitted);
	bpf_ringbuf_submit(event, eun_wakeup_after(&eun_lifecycle, sizeof(*event)));
}

TWICE(cgroup_rmdir, on_cgroup_rmdir, struct cgroup *cgroup)
{
	struct eun_cgroup key = key_of(eun_plain(cgroup));
	struct once once = { .pid = key.hierarchy, .event = ONCE_RMDIR, .incarnation = key.id };

	if (!counts(cgroup) || !first_to_handle(once))
		return 0;
	bpf_map_delete_elem(&eun_cgroups, &key); /* its verdict makes room for others */
	report_cgroup_end(key);
	return 0;
}

#endif
