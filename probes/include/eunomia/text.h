/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Records with text: built in scratch, the event first, what its texts hold behind it, and sent as long as they came
 * out. Scratch belongs to one program (copy, see twice.h) and one CPU: kernels from 7.0 on may run another program
 * while one is preempted, yet never the same.
 */
#ifndef EUNOMIA_TEXT_H
#define EUNOMIA_TEXT_H

#define EUN_PATH_BYTES 4096                 /* PATH_MAX, without its NUL one more than a system call takes */
#define EUN_READ_BYTES (EUN_PATH_BYTES + 2) /* NUL, and one byte more to tell what is longer */

/* Forgets what the compiler knows, so that it keeps the next bound: verifiers up to 6.1 do not follow its reasoning. */
#define EUN_OPAQUE(x) asm volatile("" : "+r"(x))

/* struct TYPE_scratch: the record and its tail. The map that holds it is TYPE_text. */
#define EUN_SCRATCH(event, tail_bytes)                                                                                 \
	struct event##_scratch {                                                                                       \
		struct event record;                                                                                   \
		char tail[(tail_bytes + 7) / 8 * 8];                                                                   \
		__u32 parts; /* see eun_walk */                                                                        \
	}

#define EUN_SCRATCH_MAP(event, kind, copies)                                                                           \
	_Static_assert(sizeof(#event "_text") <= 16, "the kernel takes 15 characters for " #event "_text");            \
	struct {                                                                                                       \
		__uint(type, kind);                                                                                    \
		__uint(max_entries, copies);                                                                           \
		__type(key, __u32);                                                                                    \
		__type(value, struct event##_scratch);                                                                 \
	} event##_text SEC(".maps")

/* TYPE_of(copy) finds the scratch of this CPU. */
#define EUN_SCRATCH_OF(event, entry_of_copy)                                                                           \
	static __always_inline struct event *event##_of(__u32 copy)                                                    \
	{                                                                                                              \
		__u32 entry = entry_of_copy;                                                                           \
                                                                                                                       \
		return bpf_map_lookup_elem(&event##_text, &entry);                                                     \
	}

/*
 * Declares scratch for struct TYPE in so many copies, and with it TYPE_of(copy), which finds it. The tail needs
 * EUN_READ_BYTES for each string or path, and a per-CPU value is at most 32 KiB in all.
 */
#define TEXT_RECORD(event, copies, tail_bytes)                                                                         \
	EUN_SCRATCH(event, tail_bytes);                                                                                \
	EUN_SCRATCH_MAP(event, BPF_MAP_TYPE_PERCPU_ARRAY, copies);                                                     \
	EUN_SCRATCH_OF(event, copy)                                                                                    \
	EUN_PATHS_OF(event)

/* The same for records beyond 32 KiB: a plain array with entries for each CPU, which the loader makes large enough. */
#define LONG_TEXT_RECORD(event, copies, tail_bytes)                                                                    \
	EUN_SCRATCH(event, tail_bytes);                                                                                \
	EUN_SCRATCH_MAP(event, BPF_MAP_TYPE_ARRAY, copies) PER_CPU(copies);                                            \
	EUN_SCRATCH_OF(event, bpf_get_smp_processor_id() * (copies) + copy)                                            \
	EUN_PATHS_OF(event)

/* A record that is being built: where it stands, the bytes used, and the largest use that leaves room for a string. */
struct eun_builder {
	void *record;
	__u64 used;
	__u64 limit;
};

/* A builder for the record at type *event, which it empties. */
#define EUN_BUILDER(type, event)                                                                                       \
	{                                                                                                              \
		.record = (event), .used = sizeof(struct type),                                                        \
		.limit = offsetof(struct type##_scratch, parts) - EUN_READ_BYTES                                       \
	}

/* Appends a string of the user's memory or of the kernel's; one that can't be read is absent. */
static __always_inline void eun_put_string(struct eun_builder *builder, struct text *text, const void *from, bool user)
{
	__u64 used = builder->used;
	__u64 flags = TEXT_PRESENT;
	__u64 length;
	long got;

	EUN_OPAQUE(used);
	if (used > builder->limit)
		return;
	got = user ? bpf_probe_read_user_str(builder->record + used, EUN_READ_BYTES, from)
		   : bpf_probe_read_kernel_str(builder->record + used, EUN_READ_BYTES, from);
	if (got < 0)
		return;
	length = got ? got - 1 : 0; /* kernels up to 6.12 do not count the NUL of an empty string of the user's */
	if (length > EUN_PATH_BYTES) {
		length = EUN_PATH_BYTES;
		flags |= TEXT_TRUNCATED;
	}
	text->offset = used;
	text->length = length;
	text->flags = flags;
	builder->used = used + length;
}

/* The size to submit, within what the scratch holds. */
static __always_inline __u64 eun_size(struct eun_builder *builder)
{
	__u64 size = builder->used;

	EUN_OPAQUE(size);
	if (size > builder->limit + EUN_READ_BYTES)
		size = builder->limit + EUN_READ_BYTES;
	return size;
}

#endif
