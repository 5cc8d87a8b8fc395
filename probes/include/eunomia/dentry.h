/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a dentry says: its parent and its name, with as few reads as the kernel's layout allows. */
#ifndef EUNOMIA_DENTRY_H
#define EUNOMIA_DENTRY_H

#define EUN_NAME_BYTES  255 /* NAME_MAX */
#define EUN_SHORT_WORDS 5   /* of the names that stand in the dentry itself: 40 bytes, up to 6.13 32 */

/*
 * A dentry's parent and name, in one read where they are neighbours: struct dentry has them so since long, and the text
 * of a short name behind them. A read costs more than what it reads.
 */
struct eun_link {
	struct dentry *parent;
	__u32 hash; /* struct qstr */
	__u32 length;
	const unsigned char *name;
	void *inode;
	__u64 short_name[EUN_SHORT_WORDS];
};

static __always_inline __u32 eun_short_name_offset(void)
{
	if (bpf_core_field_exists(struct dentry___short, d_shortname))
		return bpf_core_field_offset(struct dentry___short, d_shortname);
	return bpf_core_field_offset(struct dentry___old, d_iname);
}

static __always_inline bool eun_is_linked_in_order(void)
{
	const __u32 parent = bpf_core_field_offset(struct dentry, d_parent);

	return bpf_core_field_offset(struct dentry, d_name) == parent + offsetof(struct eun_link, hash) &&
	       eun_short_name_offset() == parent + offsetof(struct eun_link, short_name);
}

static __always_inline void eun_read_link(struct eun_link *link, struct dentry *dentry)
{
	const void *parent = (void *)dentry + bpf_core_field_offset(struct dentry, d_parent);
	const void *name = (void *)dentry + bpf_core_field_offset(struct dentry, d_name);

	if (eun_is_linked_in_order()) {
		bpf_probe_read_kernel(link, sizeof(*link), parent);
		return;
	}
	bpf_probe_read_kernel(&link->parent, sizeof(link->parent), parent);
	bpf_probe_read_kernel(&link->hash, sizeof(struct qstr), name);
}

/*
 * Copies the name to where there is room for EUN_NAME_BYTES. With two ways to do it the verifier goes through twice as
 * many instructions; it is for the probes of frequent events.
 */
static __always_inline void eun_put_name(char *to, struct eun_link *link, struct dentry *dentry, __u64 length)
{
	const void *short_name = (void *)dentry + eun_short_name_offset();

	if (!EUN_DIRECT || !eun_is_linked_in_order() || link->name != short_name ||
	    link->length > sizeof(link->short_name)) {
		bpf_probe_read_kernel(to, length, link->name);
		return;
	}
	for (int word = 0; word < EUN_SHORT_WORDS; word++)
		((__u64 *)to)[word] = link->short_name[word];
}

#endif
