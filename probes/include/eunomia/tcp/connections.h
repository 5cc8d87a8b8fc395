/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The connections that are followed, and what a socket says of its own. */
#ifndef EUNOMIA_TCP_CONNECTIONS_H
#define EUNOMIA_TCP_CONNECTIONS_H

#define CONNECTIONS 16384 /* at a time, 3 MiB; those beyond are counted as lost */

enum connection_state {
	ATTEMPTED, /* SYN is sent */
	UNDECIDED, /* failed, and the socket doesn't say why */
	FAILED,    /* reported */
	CONNECTED,
	ACCEPTED,
};

/* What the application handed over and was given to read. */
struct totals {
	__u64 sent;
	__u64 received;
	__u64 arrived; /* bytes_received at that time */
};

struct connection {
	struct event_header actor;
	struct endpoints ends;
	__u8 state;
	__u8 fin;    /* we sent FIN, which counts as a byte */
	__u8 closed; /* totals, error and until are known */
	__u8 pad;
	__u32 error;
	__u32 pad2;
	__u64 since;
	__u64 until;
	struct totals totals;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNECTIONS);
	__type(key, __u64); /* the socket's address: its own until it is destroyed */
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline bool is_open(const struct connection *connection)
{
	return connection->state == CONNECTED || connection->state == ACCEPTED;
}

/* The TCP socket behind a descriptor; NULL for anything else. */
static __always_inline struct sock *tcp_socket_of(struct task_struct *task, __u32 fd)
{
	struct file *file = eun_file_of(task, fd);
	struct socket *socket;
	struct sock *sock;
	__u16 family;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sock = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sock, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return NULL;
	return BPF_CORE_READ(sock, sk_protocol) == IPPROTO_TCP ? sock : NULL;
}

/* Puts an IPv6 address in, as IPv4 where it is mapped; the unspecified address is absent. */
static __always_inline void take_address6(struct address *address, const __u32 words[4])
{
	if (words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff)) {
		address->family = words[3] ? ADDRESS_IPV4 : 0;
		__builtin_memcpy(address->bytes, &words[3], 4);
		return;
	}
	address->family = words[0] | words[1] | words[2] | words[3] ? ADDRESS_IPV6 : 0;
	__builtin_memcpy(address->bytes, words, sizeof(address->bytes));
}

static __always_inline void take_address4(struct address *address, __u32 word)
{
	address->family = word ? ADDRESS_IPV4 : 0;
	__builtin_memcpy(address->bytes, &word, sizeof(word));
}

/* An IPv6 socket to a mapped address speaks IPv4. */
static __always_inline void take_type(struct endpoints *ends)
{
	__u8 family = ends->peer_address.family ? ends->peer_address.family : ends->local_address.family;

	ends->transport = tcp;
	ends->type = family == ADDRESS_IPV4 ? ipv4 : family == ADDRESS_IPV6 ? ipv6 : 0;
}

/* From inet_sport, as skc_num is zero once the socket is closed. */
static __always_inline void take_endpoints(struct endpoints *ends, const struct sock *sock)
{
	const struct inet_sock *inet = (const struct inet_sock *)sock;

	__builtin_memset(ends, 0, sizeof(*ends));
	ends->local_port = BPF_CORE_READ(inet, inet_sport);
	ends->peer_port = BPF_CORE_READ(sock, __sk_common.skc_dport);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) == AF_INET) {
		take_address4(&ends->local_address, BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr));
		take_address4(&ends->peer_address, BPF_CORE_READ(sock, __sk_common.skc_daddr));
	} else {
		__u32 words[4];

		BPF_CORE_READ_INTO(&words, sock, __sk_common.skc_v6_rcv_saddr);
		take_address6(&ends->local_address, words);
		BPF_CORE_READ_INTO(&words, sock, __sk_common.skc_v6_daddr);
		take_address6(&ends->peer_address, words);
	}
	take_type(ends);
}

/*
 * Sequence numbers count what the application did even where the network did not: written but not acknowledged is sent,
 * arrived but not read is not received. SYN and FIN take a number each, which is no byte of anybody's.
 */
static __always_inline struct totals totals_of(const struct sock *sock, const struct connection *connection)
{
	const struct tcp_sock *tcp_sock = (const struct tcp_sock *)sock;
	__u32 unacknowledged = BPF_CORE_READ(tcp_sock, write_seq) - BPF_CORE_READ(tcp_sock, snd_una);
	__u32 unread = BPF_CORE_READ(tcp_sock, rcv_nxt) - BPF_CORE_READ(tcp_sock, copied_seq);
	bool peer_fin = BPF_CORE_READ(sock, __sk_common.skc_flags) >> SOCK_DONE & 1;
	struct totals totals = { .arrived = BPF_CORE_READ(tcp_sock, bytes_received) };

	totals.sent = BPF_CORE_READ(tcp_sock, bytes_acked) + unacknowledged;
	totals.sent -= (connection->state == CONNECTED) + connection->fin;
	totals.received = totals.arrived - unread;
	if (!unread && peer_fin && totals.received)
		totals.received--;
	return totals;
}

/* At the change to CLOSE: later the socket may forget them, as after a reset of its own (SO_LINGER 0). */
static __always_inline void take_totals(struct connection *connection, const struct sock *sock)
{
	__u32 error = BPF_CORE_READ(sock, sk_err);

	if (connection->closed)
		return;
	connection->closed = 1;
	connection->error = error == EPIPE ? ECONNRESET : error; /* EPIPE: a reset after the peer's FIN */
	connection->until = bpf_ktime_get_boot_ns();
	connection->totals = totals_of(sock, connection);
}

#endif
