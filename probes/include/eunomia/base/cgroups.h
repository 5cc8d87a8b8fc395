/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The path of a cgroup, sent at its first sight, so that one which is gone a moment later still has its name. First
 * sight is being absent from the map of verdicts; a cgroup starts there with the yes of its parent, and unknown where
 * the parent's is no: a container below a slice of services.
 */
#ifndef EUNOMIA_BASE_CGROUPS_H
#define EUNOMIA_BASE_CGROUPS_H

#define CGROUP_DEPTH 64

struct cgroup_event {
	struct event_header
		header; /* cgroup_id and cgroup_hierarchy are the cgroup's, the rest whoever was there first */
	struct text path ROLE("path");
};
LIFECYCLE_EVENT(cgroup_event, "", "cgroup");

/* One for each program that may be the first to see a cgroup, and for its second copy. */
enum sight { SIGHT_FORK, SIGHT_EXEC = 2, SIGHT_MKDIR = 4, SIGHT_ATTACH = 6, SIGHT_TASK = 8, SIGHTS };

EUN_SCRATCH(cgroup_event, EUN_READ_BYTES + EUN_NAME_BYTES);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SIGHTS);
	__type(key, __u32);
	__type(value, struct cgroup_event_scratch);
} cgroup_texts SEC(".maps");

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___rcu *newer = (void *)node;
	struct kernfs_node___old *older = (void *)node;

	if (bpf_core_field_exists(newer->__parent))
		return BPF_CORE_READ(newer, __parent);
	return BPF_CORE_READ(older, parent);
}

/* Appends the path from the cgroup up to its hierarchy's root; the root itself has none, and is "/". */
static __always_inline void put_cgroup_path(struct cgroup_event_scratch *scratch, struct kernfs_node *node)
{
	__u64 flags = TEXT_PRESENT | TEXT_LEAF_FIRST;
	__u64 used = 0;

	for (int depth = 0; depth <= CGROUP_DEPTH; depth++) {
		struct kernfs_node *parent = parent_of(node);
		long got;

		if (!parent)
			goto complete;
		EUN_OPAQUE(used);
		if (used > EUN_PATH_BYTES)
			break;
		got = bpf_probe_read_kernel_str(scratch->tail + used, EUN_NAME_BYTES + 1, BPF_CORE_READ(node, name));
		if (got <= 0 || got > EUN_NAME_BYTES + 1)
			break;
		scratch->tail[used + got - 1] = '/';
		used += got;
		node = parent;
	}
	flags |= TEXT_TRUNCATED;
complete:
	scratch->record.path.offset = sizeof(scratch->record);
	scratch->record.path.length = used;
	scratch->record.path.flags = flags;
}

/* The verdict that a cgroup starts with. */
static __always_inline struct eun_verdict first_verdict(struct kernfs_node *node, __u32 hierarchy)
{
	struct eun_cgroup key = { .id = BPF_CORE_READ(parent_of(node), id), .hierarchy = hierarchy };
	struct eun_verdict *parent = bpf_map_lookup_elem(&eun_cgroups, &key);
	struct eun_verdict verdict = {};

	if (parent) {
		verdict.yes = parent->known & parent->yes;
		verdict.known = verdict.yes;
	}
	return verdict;
}

/* The key of a cgroup whose address is a bare number. */
static __always_inline struct eun_cgroup key_of(struct cgroup *cgroup)
{
	struct eun_cgroup key = {
		.id = BPF_CORE_READ(cgroup, kn, id),
		.hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id),
	};

	return key;
}

static __always_inline __u64 fill_cgroup(struct cgroup_event_scratch *scratch, struct cgroup *cgroup)
{
	struct cgroup_event *event = &scratch->record;
	struct eun_cgroup key = key_of(cgroup);
	__u64 size;

	eun_fill_header(&event->header, kind_cgroup_event, eun_current());
	event->header.flags = RECORD_STATE_ONLY;
	event->header.cgroup_id = key.id;
	event->header.cgroup_hierarchy = key.hierarchy;
	put_cgroup_path(scratch, BPF_CORE_READ(cgroup, kn));
	size = sizeof(*event) + event->path.length;
	EUN_OPAQUE(size);
	return size < sizeof(*scratch) ? size : sizeof(*scratch);
}

/* Sends the path of a cgroup unless that was done. A global function, so that it is verified once. */
__attribute__((noinline)) int see_cgroup(__u64 address, __u64 sight)
{
	struct cgroup *cgroup = (struct cgroup *)address;
	struct eun_cgroup key = key_of(cgroup);
	struct eun_verdict verdict = first_verdict(BPF_CORE_READ(cgroup, kn), key.hierarchy);
	struct counters *tally = eun_counters_of(kind_cgroup_event);
	__u32 slot = sight;
	struct cgroup_event_scratch *scratch = bpf_map_lookup_elem(&cgroup_texts, &slot);
	__u64 size;

	if (!tally || !scratch || !eun_insert(&eun_cgroups, &key, &verdict))
		return 0;
	eun_count(&tally->seen);
	size = fill_cgroup(scratch, cgroup);
	if (submit_lifecycle(&scratch->record.header, size)) {
		eun_count(&tally->submitted);
	} else {
		eun_count(&tally->ring_full);
		bpf_map_delete_elem(&eun_cgroups, &key); /* so that the next sight is a first one again */
	}
	return 0;
}

static __always_inline void see_cgroup_of(struct task_struct *task, __u32 sight)
{
	struct eun_cgroup key = eun_cgroup_key_of(task);

	if (!bpf_map_lookup_elem(&eun_cgroups, &key))
		see_cgroup((__u64)eun_plain(eun_cgroup_of(task)), sight);
}

/* Only one hierarchy counts: which that is, is the same for every task. */
static __always_inline bool counts(struct cgroup *cgroup)
{
	struct cgroup_root *root = EUN_READ(cgroup, root);
	__u32 hierarchy = EUN_READ(root, hierarchy_id);

	return hierarchy == eun_cgroup_key_of(eun_current()).hierarchy;
}

static __always_inline void see_cgroup_that_counts(struct cgroup *cgroup, __u32 sight)
{
	if (counts(cgroup))
		see_cgroup((__u64)eun_plain(cgroup), sight);
}

#endif
