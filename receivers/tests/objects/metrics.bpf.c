// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Maps that are metrics, one of each kind. */
#include "own.h"

#define ATTR(name)               TAG("attr:" name)
#define METRIC(name, unit, kind) TAG("metric:" kind ":" unit ":" name)

enum device { DISK, NET };
enum device *const names SEC(".eunomia") = 0;

struct by_cgroup {
	u64 id TAG("role:cgroup_id");
	u32 hierarchy TAG("role:cgroup_hierarchy");
	u32 call ATTR("sample.call");
	char name[8] ATTR("sample.comm");
};

struct traffic {
	u64 sent TAG("unit:By");
	u64 lost METRIC("sample.lost", "{packet}", "gauge");
};

struct latency {
	u64 slots[4];
	u64 total TAG("role:sum");
};

struct {
	__uint(type, 1);
	__uint(max_entries, 64);
	__type(key, struct by_cgroup);
	__type(value, u64);
} calls SEC(".maps") METRIC("sample.calls", "{call}", "counter") TAG("doc:Calls by cgroup");

struct {
	__uint(type, 6);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct traffic);
} traffic SEC(".maps") METRIC("sample.traffic", "1", "counter") TAG("enum:device") ATTR("sample.device");

struct {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, s64);
} level SEC(".maps") METRIC("sample.level", "1", "gauge");

struct key {
	u32 queue;
};

struct {
	__uint(type, 5);
	__uint(max_entries, 8);
	__type(key, struct key);
	__type(value, struct latency);
} latency SEC(".maps") METRIC("sample.latency", "ns", "histogram");

SEC("tp_btf/sched_switch")
int on_sample(void *context)
{
	return 0;
}
