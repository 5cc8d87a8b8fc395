// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A user's probe with our headers that says nothing of its own fields. */
#include "eunomia.h"

struct record {
	struct event_header header;
	__s64 result;
	__u32 number;
	char word[12];
};
const struct record *unused __attribute__((unused));

const volatile __u32 kind_record = 0;
const volatile char word[8] = "default";

SYSCALL_EXIT(on_chdir, chdir)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_record, task);
	struct record *record = tally ? EUN_RESERVE(&eun_events, record, tally) : NULL;

	if (!record)
		return;
	eun_fill_header(&record->header, kind_record, task);
	record->result = call.result;
	record->number = call.number;
	__builtin_memset(record->word, 0, sizeof(record->word));
	for (int index = 0; index < 8; index++)
		record->word[index] = word[index];
	EUN_COMMIT(&eun_events, record, tally);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
