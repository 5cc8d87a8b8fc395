// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A probe that counts wrongly: every event that passes the filter is seen twice. */
#include "eunomia.h"

struct miscount_event {
	struct event_header header;
};
EVENT(miscount_event, "test.miscount");

SYSCALL_EXIT(on_call, openat)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_miscount_event, task);
	struct miscount_event *event = tally ? EUN_RESERVE(&eun_events, miscount_event, tally) : NULL;

	if (!event)
		return;
	eun_count(&tally->seen);
	eun_fill_header(&event->header, kind_miscount_event, task);
	EUN_COMMIT(&eun_events, event, tally);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
