//! What connection number N is to be; the server and the client ask the same question.

/// How a connection is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
    /// An IPv6 socket that speaks IPv4.
    Mapped,
}

/// How a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Both talk, the client closes first.
    ClientFirst,
    /// Both talk, the server closes first.
    ServerFirst,
    /// The client connects without waiting, then as `ClientFirst`.
    NonBlocking,
    /// The client ends its half before the server answers.
    HalfClosed,
    /// Both talk, then the client resets.
    Reset,
    /// The client closes without having read the answer.
    Unread,
    /// The client is killed once it has talked.
    Killed,
    /// Neither says anything.
    Silent,
    /// Nobody listens there.
    Refused,
    /// Nobody listens there, and the client does not wait.
    RefusedNonBlocking,
    /// There is no way there.
    Unreachable,
}

impl Case {
    /// Whether the client goes on while its attempt is under way.
    pub(super) fn is_non_blocking(self) -> bool {
        matches!(self, Self::NonBlocking | Self::RefusedNonBlocking)
    }

    /// Whether nobody listens where it goes.
    pub(super) fn is_refused(self) -> bool {
        matches!(self, Self::Refused | Self::RefusedNonBlocking)
    }
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) family: Family,
    pub(super) case: Case,
    /// Bytes from the client to the server.
    pub(super) up: u64,
    /// Bytes from the server to the client.
    pub(super) down: u64,
}

impl Plan {
    pub(super) fn of(number: u64) -> Self {
        const CASES: [Case; 11] = [
            Case::ClientFirst,
            Case::ServerFirst,
            Case::NonBlocking,
            Case::HalfClosed,
            Case::Reset,
            Case::Unread,
            Case::Killed,
            Case::Silent,
            Case::Refused,
            Case::RefusedNonBlocking,
            Case::Unreachable,
        ];
        const FAMILIES: [Family; 3] = [Family::V4, Family::V6, Family::Mapped];
        // 11 and 3 share no divisor: each case meets each family within 33 connections.
        let pick = |count: usize| usize::try_from(number).unwrap_or_default() % count;
        let case = CASES[pick(CASES.len())];
        let (up, down) = match (case, number % 40) {
            (Case::Silent, _) => (0, 0),
            // A megabyte now and then: more than the socket's buffers hold.
            (Case::ClientFirst | Case::ServerFirst | Case::HalfClosed, 0..4) => (1 << 20, 3 << 19),
            _ => (number * 7919 % 5000 + 1, number * 104_729 % 9000 + 1),
        };
        Self {
            family: FAMILIES[pick(FAMILIES.len())],
            case,
            up,
            down,
        }
    }

    /// Whether the server gets to see it.
    pub(super) fn arrives(&self) -> bool {
        !matches!(
            self.case,
            Case::Refused | Case::RefusedNonBlocking | Case::Unreachable
        )
    }
}
