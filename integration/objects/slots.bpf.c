// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A user's probe with one function on a system call, or with sixteen (-DSIXTEEN). */
#include "eunomia.h"

struct call_event {
	struct event_header header;
	__u32 function ATTR("test.function");
	__u32 pad;
};
EVENT(call_event, "test.call");

static __always_inline void tell(__u32 function)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_call_event, task);
	struct call_event *event = tally ? EUN_RESERVE(&eun_events, call_event, tally) : NULL;

	if (!event)
		return;
	eun_fill_header(&event->header, kind_call_event, task);
	event->function = function;
	event->pad = 0;
	EUN_COMMIT(&eun_events, event, tally);
}

#define FUNCTION(number)                                                                                               \
	SYSCALL_EXIT(on_call_##number, openat)                                                                         \
	{                                                                                                              \
		tell(number);                                                                                          \
	}

FUNCTION(0)
#ifdef SIXTEEN
FUNCTION(1)
FUNCTION(2)
FUNCTION(3)
FUNCTION(4)
FUNCTION(5)
FUNCTION(6)
FUNCTION(7)
FUNCTION(8)
FUNCTION(9)
FUNCTION(10)
FUNCTION(11)
FUNCTION(12)
FUNCTION(13)
FUNCTION(14)
FUNCTION(15)
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
