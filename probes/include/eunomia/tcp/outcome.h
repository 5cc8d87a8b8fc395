/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the call of connect says and the socket's state doesn't. Of attempts that failed before the state changed (no
 * route, no permission, a bad address) the peer is known from the caller's memory alone, which another of its threads
 * could have changed by now.
 */
#ifndef EUNOMIA_TCP_OUTCOME_H
#define EUNOMIA_TCP_OUTCOME_H

#define UNFOLLOWED 4096 /* at a time, 0.3 MiB; of one beyond them a failure counts as one more attempt */

/* Sockets whose attempt is counted already, as filtered or lost, while it has no outcome. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNFOLLOWED);
	__type(key, __u64);
	__type(value, __u32);
} unfollowed SEC(".maps");

/* struct sockaddr_in and sockaddr_in6, as far as they are used. */
struct user_address {
	__u16 family;
	__u16 port;
	__u32 address4; /* of IPv6 the flow */
	__u32 address6[4];
};

/* Errors that tell nothing of the attempt's outcome: it goes on, or had one before. */
static __always_inline bool is_no_outcome(long error)
{
	return error == EINPROGRESS || error == EALREADY || error == EISCONN || error == EINTR ||
	       (error >= ERESTARTSYS && error <= ERESTART_END);
}

static __always_inline void take_peer(struct endpoints *ends, const void *from)
{
	struct user_address user = {};

	/* A sockaddr_in is shorter, and may end where the memory does. */
	if (bpf_probe_read_user(&user, sizeof(user), from))
		bpf_probe_read_user(&user, offsetof(struct user_address, address6), from);
	ends->peer_port = user.port;
	if (user.family == AF_INET)
		take_address4(&ends->peer_address, user.address4);
	else if (user.family == AF_INET6)
		take_address6(&ends->peer_address, user.address6);
	else
		ends->peer_port = 0;
	take_type(ends);
}

static __always_inline void report_refused(struct task_struct *task, const struct sock *sock, const void *address,
					   __u32 error)
{
	struct counters *tally = eun_begin(kind_connect_event, task);
	struct connect_event *event = tally ? EUN_RESERVE(&eun_events, connect_event, tally) : NULL;

	if (!event)
		return;
	eun_fill_header(&event->header, kind_connect_event, task);
	take_endpoints(&event->ends, sock);
	take_peer(&event->ends, address);
	event->error = error;
	EUN_COMMIT(&eun_events, event, tally);
}

/* Failures that never reached the socket's state, and those for which it gave no reason. */
static __always_inline void not_connected(struct task_struct *task, const struct sock *sock, __u64 address, __u32 error)
{
	__u64 key = (__u64)sock;
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (!connection) {
		if (bpf_map_delete_elem(&unfollowed, &key))
			report_refused(task, sock, (const void *)address, error);
		return;
	}
	if (connection->state == UNDECIDED)
		report_connect(connection, error);
	if (connection->state == UNDECIDED || connection->state == FAILED)
		bpf_map_delete_elem(&connections, &key);
}

/* A success the socket has told of. What is left is a socket that was taken apart (AF_UNSPEC): it is as new. */
static __always_inline void connected_or_apart(const struct sock *sock)
{
	__u64 key = (__u64)sock;
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (!connection) {
		bpf_map_delete_elem(&unfollowed, &key);
		return;
	}
	if (BPF_CORE_READ(sock, __sk_common.skc_dport))
		return;
	if (is_open(connection))
		report_close(connection, sock);
	else if (connection->state == UNDECIDED)
		report_connect(connection, ECONNABORTED);
	bpf_map_delete_elem(&connections, &key);
}

#endif
