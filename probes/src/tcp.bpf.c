/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * network.connect, network.accept and network.close of TCP. Each is the deed of the process that connected or accepted,
 * whoever runs when the kernel learns of it: most changes of a socket arrive with a packet, in some other process. So
 * the actor is taken down where it is certain, and kept with the socket.
 */
#include "eunomia.h"

#include "eunomia/tcp/events.h"
#include "eunomia/tcp/connections.h"
#include "eunomia/tcp/report.h"
#include "eunomia/tcp/calls.h"
#include "eunomia/tcp/outcome.h"

/* The attempt begins, in the process that makes it; the second copy finds what the first has left. */
static __always_inline void begin_attempt(__u64 key, const __u32 copy)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_counters_of(kind_connect_event);
	struct connection fresh = { .state = ATTEMPTED };
	bool passes = eun_passes(task);
	__u32 counted = 1;
	int known; /* as eun_insert has it */

	if (!tally || bpf_map_lookup_elem(&unfollowed, &key))
		return;
	if (passes) {
		eun_fill_header(&fresh.actor, kind_connect_event, task);
		if (!bpf_map_update_elem(&connections, &key, &fresh, BPF_ANY))
			return; /* counted when it has an outcome */
	}
	known = (int)bpf_map_update_elem(&unfollowed, &key, &counted, BPF_NOEXIST);
	if (known == -EEXIST || (known && copy != 0))
		return;
	eun_count(&tally->seen);
	eun_count(passes ? &tally->table_full : &tally->filtered);
	if (passes)
		lose_close();
}

/* The outcome of an attempt, where the socket knows it; else the system call does, or the socket's end. */
static __always_inline void end_attempt(struct connection *connection, const struct sock *sock, int state)
{
	take_endpoints(&connection->ends, sock);
	if (state == TCP_ESTABLISHED) {
		connection->state = CONNECTED;
		connection->since = bpf_ktime_get_boot_ns();
		report_connect(connection, 0);
	} else {
		__u32 error = BPF_CORE_READ(sock, sk_err);

		connection->state = error ? FAILED : UNDECIDED;
		if (error)
			report_connect(connection, error);
	}
}

/* A socket tries again after it failed, or was taken apart; the second copy finds the attempt that the first began. */
static __always_inline void try_again(struct connection *connection, const struct sock *sock, __u64 key,
				      const __u32 copy)
{
	if (connection->state == ATTEMPTED && connection->actor.tid == (__u32)bpf_get_current_pid_tgid())
		return;
	if (is_open(connection))
		report_close(connection, sock);
	else if (connection->state != FAILED)
		report_connect(connection, ECONNABORTED);
	bpf_map_delete_elem(&connections, &key);
	begin_attempt(key, copy);
}

TWICE(inet_sock_set_state, on_tcp_state, const struct sock *sock, int before, int state)
{
	__u64 key = (__u64)eun_plain(sock);
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (state == TCP_SYN_SENT && BPF_CORE_READ(sock, sk_protocol) == IPPROTO_TCP) {
		if (connection)
			try_again(connection, sock, key, copy);
		else
			begin_attempt(key, copy);
		return 0;
	}
	if (!connection) {
		if (before == TCP_SYN_SENT && state == TCP_ESTABLISHED)
			bpf_map_delete_elem(&unfollowed, &key);
		return 0;
	}
	if (connection->state == ATTEMPTED) {
		if (state == TCP_ESTABLISHED || state == TCP_CLOSE)
			end_attempt(connection, sock, state);
		return 0;
	}
	if (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK)
		connection->fin = 1;
	if (state == TCP_CLOSE && is_open(connection))
		take_totals(connection, sock);
	return 0;
}

TWICE(tcp_destroy_sock, on_tcp_destroy, struct sock *sock)
{
	__u64 key = (__u64)eun_plain(sock);
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct connection last;

	bpf_map_delete_elem(&unfollowed, &key);
	if (!connection)
		return 0;
	last = *connection;
	if (bpf_map_delete_elem(&connections, &key))
		return 0; /* the other copy was here */
	if (is_open(&last))
		report_close(&last, sock);
	else if (last.state == ATTEMPTED || last.state == UNDECIDED)
		report_connect(&last, ECONNABORTED); /* given up before it had an outcome */
	return 0;
}

static __always_inline void accepted(struct task_struct *task, __u32 fd)
{
	struct connection fresh = { .state = ACCEPTED };
	struct counters *tally = eun_begin(kind_accept_event, task);
	struct sock *sock;
	__u64 key;

	if (!tally)
		return;
	sock = tcp_socket_of(task, fd);
	key = (__u64)sock;
	if (!sock) {
		eun_count(&tally->filtered); /* not of TCP */
		return;
	}
	eun_fill_header(&fresh.actor, kind_accept_event, task);
	fresh.since = fresh.actor.time;
	take_endpoints(&fresh.ends, sock);
	if (BPF_CORE_READ(sock, __sk_common.skc_state) == TCP_CLOSE) /* reset before it was accepted */
		take_totals(&fresh, sock);
	if (bpf_map_update_elem(&connections, &key, &fresh, BPF_ANY))
		lose_close();
	report_accept(&fresh, tally);
}

SYSCALL_EXIT(on_socket_call, connect, accept, accept4, socketcall)
{
	struct socket_call socket_call = socket_call_of(call);
	struct task_struct *task = eun_current();
	struct sock *sock;

	if (socket_call.verb == VERB_ACCEPT && call.result >= 0)
		accepted(task, call.result);
	if (socket_call.verb != VERB_CONNECT || is_no_outcome(-call.result))
		return;
	sock = tcp_socket_of(task, socket_call.fd);
	if (sock && call.result < 0)
		not_connected(task, sock, socket_call.address, -call.result);
	else if (sock)
		connected_or_apart(sock);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
