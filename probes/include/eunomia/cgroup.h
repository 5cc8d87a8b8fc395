/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The cgroup that names a process's container. Ids repeat between hierarchies, so a key has both. The hierarchy that
 * counts is the memory controller's where that is a v1 hierarchy, else the pids controller's, else the unified one: a
 * unified path beside v1 controllers is often no more than that of a service.
 */
#ifndef EUNOMIA_CGROUP_H
#define EUNOMIA_CGROUP_H

#define EUN_UNIFIED 0 /* the hierarchy id of cgroup v2 */

static __always_inline struct cgroup *eun_controller_cgroup(struct css_set *set, __u32 controller)
{
	const void *slot = (const void *)set + bpf_core_field_offset(struct css_set, subsys) + 8 * controller;
	struct cgroup_subsys_state *state = NULL;

	if (EUN_DIRECT)
		state = *(struct cgroup_subsys_state *const *)slot;
	else
		bpf_probe_read_kernel(&state, sizeof(state), slot);
	return EUN_READ(state, cgroup);
}

static __always_inline bool eun_is_unified(struct cgroup *cgroup)
{
	struct cgroup_root *root = EUN_READ(cgroup, root);

	return EUN_READ(root, hierarchy_id) == EUN_UNIFIED;
}

static __always_inline struct cgroup *eun_cgroup_of(struct task_struct *task)
{
	struct css_set *set = EUN_READ(task, cgroups);
	struct cgroup *cgroup;

	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		cgroup = eun_controller_cgroup(set, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
		if (!eun_is_unified(cgroup))
			return cgroup;
	}
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		cgroup = eun_controller_cgroup(set, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
		if (!eun_is_unified(cgroup))
			return cgroup;
	}
	return EUN_READ(set, dfl_cgrp);
}

static __always_inline struct eun_cgroup eun_cgroup_key_of(struct task_struct *task)
{
	struct cgroup *cgroup = eun_cgroup_of(task);
	struct kernfs_node *node = EUN_READ(cgroup, kn);
	struct cgroup_root *root = EUN_READ(cgroup, root);
	struct eun_cgroup key = {
		.id = EUN_READ(node, id),
		.hierarchy = EUN_READ(root, hierarchy_id),
	};

	return key;
}

#endif
