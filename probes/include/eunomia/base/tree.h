/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The filtered process trees. A child is in from its fork on, before it runs, and stays until it is freed: at its exit
 * its files are still to be closed, and other threads may have hooks to come.
 */
#ifndef EUNOMIA_BASE_TREE_H
#define EUNOMIA_BASE_TREE_H

#define TREE_DEPTH 64 /* ancestors asked at start; deeper descendants of a root are found on the next pass */

/* Tells a process from a later one of the same number. Never 0. */
static __always_inline __u32 tag_of(struct task_struct *leader)
{
	return (EUN_READ(leader, start_boottime) >> 10) | 1;
}

/* Lets a child of a member in; false where there is no room, and the child and its descendants go unseen. */
static __always_inline bool join_tree(struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_tgid = EUN_READ(parent, tgid);
	__u32 tgid = EUN_READ(child, tgid);
	struct eun_member *member = bpf_map_lookup_elem(&eun_tree, &parent_tgid);
	struct eun_member *there = bpf_map_lookup_elem(&eun_tree, &tgid);
	struct eun_member joined = { .tag = tag_of(child) };

	if (there && there->tag != joined.tag)
		bpf_map_delete_elem(&eun_tree, &tgid); /* an earlier process of this number */
	if (!member)
		return true;
	joined.sets = member->sets;
	return !bpf_map_update_elem(&eun_tree, &tgid, &joined, BPF_NOEXIST) ||
	       bpf_map_lookup_elem(&eun_tree, &tgid); /* put there by the other copy */
}

static __always_inline void leave_tree(struct task_struct *leader)
{
	__u32 tgid = EUN_READ(leader, tgid);
	struct eun_member *member = bpf_map_lookup_elem(&eun_tree, &tgid);

	if (member && member->tag == tag_of(leader))
		bpf_map_delete_elem(&eun_tree, &tgid);
}

/* The sets of all its ancestors that are in a tree. */
static __always_inline __u32 inherited_sets(struct task_struct *task)
{
	__u32 sets = 0;

	for (int depth = 0; depth < TREE_DEPTH; depth++) {
		struct task_struct *parent = BPF_CORE_READ(task, real_parent);
		__u32 tgid = BPF_CORE_READ(parent, tgid);
		struct eun_member *member;

		if (parent == task || !tgid)
			break;
		member = bpf_map_lookup_elem(&eun_tree, &tgid);
		if (member)
			sets |= member->sets;
		task = BPF_CORE_READ(parent, group_leader);
	}
	return sets;
}

/* At start: gives a root its tag, and lets a process in whose ancestor is. */
static __always_inline void adopt_into_tree(struct task_struct *leader)
{
	__u32 tgid = EUN_READ(leader, tgid);
	struct eun_member *member = bpf_map_lookup_elem(&eun_tree, &tgid);
	struct eun_member adopted = { .tag = tag_of(leader), .sets = inherited_sets(leader) };

	if (member && (member->tag == 0 || member->tag == adopted.tag))
		adopted.sets |= member->sets;
	if (adopted.sets)
		bpf_map_update_elem(&eun_tree, &tgid, &adopted, BPF_ANY);
}

#endif
