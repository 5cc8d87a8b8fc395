// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A tool written for plain libbpf: one ring, one struct, a classic tracepoint. */
#include "own.h"

enum verdict { ALLOWED, DENIED = 7 };

struct inner {
	u16 major;
	u16 minor;
};

struct event {
	u32 pid;
	s32 code;
	u64 when;
	char name[16];
	u8 digest[4];
	u16 ports[2];
	char words[2][4];
	bool failed;
	s8 tiny;
	char one;
	enum verdict verdict;
	void *address;
	double load;
	float part;
	struct inner device;
	struct inner pair[2];
	union {
		u32 v4;
		u8 v6[16];
	};
	u32 low : 3, middle : 7;
	s32 negative : 4;
	const volatile u32 last;
	__int128 huge;
	char rest[];
};
const struct event *unused __attribute__((unused));

const volatile u32 only = 54321;
const volatile s64 offset = -2;
const volatile char who[8] = "me";
const volatile u16 ports[2] = { 80, 443 };
const volatile enum verdict wanted = DENIED;
const volatile bool quiet = 1;
const volatile double ratio = 0.5;
static const volatile u32 hidden = 9;

SEC("tracepoint/syscalls/sys_enter_open")
int on_open(void *context)
{
	struct event *event = reserve(&rb, sizeof(*event), 0);

	if (!event)
		return hidden;
	event->pid = only + offset + who[0] + ports[0] + wanted + quiet;
	event->load = ratio;
	submit(event, 0);
	return 0;
}
