/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The filter. Values of one key are alternatives, and the keys in use must all match, first the receiver's and then the
 * probe's own. The masks are read-only, so the verifier drops the code of keys that are not in use.
 */
#ifndef EUNOMIA_FILTER_H
#define EUNOMIA_FILTER_H

#define EUN_KEY_PID           1
#define EUN_KEY_PID_TREE      2
#define EUN_KEY_CGROUP        4 /* cgroup, container and containers_only: a verdict by cgroup */
#define EUN_KEY_UID           8
#define EUN_KEY_COMM          16
#define EUN_KEY_PID_NAMESPACE 32
#define EUN_KEYS_ALL          63

#define EUN_RECEIVER_SET      1

/* Written by the loader. */
const volatile __u32 eun_filter_keys = 0; /* keys of the receiver's filter */
const volatile __u32 eun_own_keys = 0;    /* keys of this probe's own */
const volatile __u32 eun_own_bit = 0;     /* its set, as a mask of one bit */
const volatile __u32 eun_self_tgid = 0;   /* the daemon, which is filtered out; 0 lets it in */

/* The keys to ask about, of the receiver's filter and of the probe's own. */
struct eun_keys {
	__u32 receiver;
	__u32 own;
};

/* The sets that must hold the key's value. */
static __always_inline __u32 eun_wanted(struct eun_keys keys, __u32 key)
{
	__u32 wanted = 0;

	if (eun_filter_keys & keys.receiver & key)
		wanted |= EUN_RECEIVER_SET;
	if (eun_own_keys & keys.own & key)
		wanted |= eun_own_bit;
	return wanted;
}

static __always_inline bool eun_holds(void *map, const void *value, __u32 wanted)
{
	__u32 *sets = bpf_map_lookup_elem(map, value);

	return sets && (*sets & wanted) == wanted;
}

static __always_inline bool eun_in_tree(__u32 tgid, __u32 wanted)
{
	struct eun_member *member = bpf_map_lookup_elem(&eun_tree, &tgid);

	return member && (member->sets & wanted) == wanted;
}

/* A cgroup that user space has not judged yet passes: what it then finds not to match it drops itself. */
static __always_inline bool eun_cgroup_passes(struct task_struct *task, __u32 wanted)
{
	struct eun_cgroup key = eun_cgroup_key_of(task);
	struct eun_verdict *verdict = bpf_map_lookup_elem(&eun_cgroups, &key);

	return !verdict || !(wanted & verdict->known & ~verdict->yes);
}

/* The process's number in its own pid namespace, and that namespace. */
static __always_inline struct upid eun_own_upid(struct task_struct *task)
{
	struct signal_struct *signal = EUN_READ(task, signal);
	struct pid *pid = EUN_READ(signal, pids[PIDTYPE_TGID]);
	__u32 level = EUN_READ(pid, level);
	struct pid *plain = EUN_DIRECT ? eun_plain(pid) : pid; /* known pointers take no variable offset */
	struct upid own = {};

	bpf_core_read(&own, sizeof(own), &plain->numbers[level]);
	return own;
}

static __always_inline struct eun_comm eun_comm_of(struct task_struct *task)
{
	struct eun_comm comm = {}; /* what follows the kernel's NUL may be left from an earlier name */

	bpf_probe_read_kernel_str(&comm.bytes, sizeof(comm.bytes), &task->comm);
	return comm;
}

static __always_inline bool eun_identity_passes(struct task_struct *task, struct eun_keys keys)
{
	__u32 wanted;

	wanted = eun_wanted(keys, EUN_KEY_UID);
	if (wanted) {
		const struct cred *cred = EUN_READ(task, cred);
		__u32 uid = EUN_READ(cred, euid.val);

		if (!eun_holds(&eun_uids, &uid, wanted))
			return false;
	}
	wanted = eun_wanted(keys, EUN_KEY_COMM);
	if (wanted) {
		struct eun_comm comm = eun_comm_of(task);

		if (!eun_holds(&eun_comms, &comm, wanted))
			return false;
	}
	wanted = eun_wanted(keys, EUN_KEY_PID_NAMESPACE);
	if (wanted) {
		struct pid_namespace *namespace = eun_own_upid(task).ns;
		__u32 inum = BPF_CORE_READ(namespace, ns.inum);

		if (!eun_holds(&eun_pidns, &inum, wanted))
			return false;
	}
	return true;
}

static __always_inline bool eun_matches(struct task_struct *task, struct eun_keys keys)
{
	__u32 tgid = EUN_READ(task, tgid);
	__u32 wanted;

	wanted = eun_wanted(keys, EUN_KEY_PID);
	if (wanted && !eun_holds(&eun_pids, &tgid, wanted))
		return false;
	wanted = eun_wanted(keys, EUN_KEY_PID_TREE);
	if (wanted && !eun_in_tree(tgid, wanted))
		return false;
	if (!eun_identity_passes(task, keys))
		return false;
	wanted = eun_wanted(keys, EUN_KEY_CGROUP);
	return !wanted || eun_cgroup_passes(task, wanted);
}

static __always_inline bool eun_is_self(struct task_struct *task)
{
	return eun_self_tgid && (__u32)EUN_READ(task, tgid) == eun_self_tgid;
}

/* Whether the events of a task are wanted here. */
static __always_inline bool eun_passes(struct task_struct *task)
{
	struct eun_keys all = { EUN_KEYS_ALL, EUN_KEYS_ALL };

	return !eun_is_self(task) && eun_matches(task, all);
}

#endif
