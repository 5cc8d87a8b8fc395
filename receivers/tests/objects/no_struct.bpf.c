// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A tool whose record is known to its reader alone: the struct is not in BTF. */
#include "own.h"

/* The form of definition before BTF. */
struct {
	u32 type, key_size, value_size, max_entries, flags;
} old_map SEC("maps") = { 1, 4, 8, 1024, 0 };

SEC("kprobe/do_sys_open")
int on_open(void *context)
{
	struct {
		s32 pid;
		char filename[127];
	} *record = reserve(&rb, 168, 0);

	if (record)
		submit(record, 0);
	return 0;
}
