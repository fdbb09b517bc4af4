/* verdict: why a check failed, and what to do. The firmware says almost nothing (a failed
 * AT+MQTTCONN is a bare ERROR, a refused subscription says OK), so the answer is drawn from all
 * there is: the board's codes and times, its own probes, its log, what its flash holds, its clock,
 * and the host's check of the same credential against the same broker. Pure: evidence in, findings
 * out. */
#ifndef SERVICE_JOBS_VERDICT_H
#define SERVICE_JOBS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/cloud/mqtt_check.h"
#include "service/pki/credential.h"
#include "service/pki/target.h"
#include "service/register/diagnose.h"

/** Who is to be looked at. */
enum verdict_side {
    SIDE_NONE, /* it works */
    SIDE_WIFI,
    SIDE_CLOCK,
    SIDE_BOARD_CREDENTIAL, /* what lies in the board's flash */
    SIDE_CREDENTIAL,       /* the credential itself, wherever it lies */
    SIDE_BROKER_CERTIFICATE,
    SIDE_BROKER_NAME,
    SIDE_POLICY,
    SIDE_CLIENT_ID,
    SIDE_LOGIN, /* user name, password, or the choice of scheme */
    SIDE_NETWORK,
    SIDE_BROKER, /* what listens there does not speak as it should */
    SIDE_UNKNOWN,
    SIDE_COUNT
};

/** Each has one side. Its name is the code of the job's error: lower case, without VERDICT_. */
enum verdict_code {
    VERDICT_WORKS,

    VERDICT_WIFI_NOT_FOUND,
    VERDICT_WIFI_WRONG_PASSWORD,
    VERDICT_WIFI_TIMEOUT,
    VERDICT_WIFI_FAILED,
    VERDICT_WIFI_NO_ADDRESS,
    VERDICT_WIFI_LOST,
    VERDICT_WIFI_STORED, /* only a warning: the board could not help storing it */

    VERDICT_TIME_NOT_SYNCED,
    VERDICT_TIME_SERVER_UNKNOWN,
    VERDICT_CLOCK_WRONG,
    VERDICT_CLOCK_LOST,

    VERDICT_CREDENTIAL_MISSING, /* on the board, as the next five */
    VERDICT_CREDENTIAL_DAMAGED,
    VERDICT_CREDENTIAL_DIFFERS,
    VERDICT_CREDENTIAL_ELSEWHERE,
    VERDICT_BOARD_KEY_MISMATCH,
    VERDICT_BOARD_ROOT_CA_WRONG, /* it does not verify the broker; nothing to compare it with */

    VERDICT_CERTIFICATE_EXPIRED, /* the device's own */
    VERDICT_CERTIFICATE_NOT_YET_VALID,
    VERDICT_CERTIFICATE_REFUSED,
    VERDICT_CERTIFICATE_UNKNOWN, /* the cloud says so, and the next */
    VERDICT_CERTIFICATE_INACTIVE,
    VERDICT_KEY_MISMATCH,
    VERDICT_KEY_TYPE_UNSUPPORTED,
    VERDICT_CREDENTIAL_UNUSABLE,
    VERDICT_ROOT_CA_WRONG,
    VERDICT_ROOT_CA_EXPIRED,

    VERDICT_BROKER_CERTIFICATE_EXPIRED,
    VERDICT_BROKER_CERTIFICATE_NOT_YET_VALID,
    VERDICT_BROKER_CERTIFICATE_UNTRUSTED,

    VERDICT_BROKER_NAME_DIFFERS, /* mostly a warning: ESP-AT does not compare the name */
    VERDICT_BROKER_NAME_REFUSED, /* the broker does not serve the name that was sent */

    VERDICT_CONNECT_DENIED,
    VERDICT_SUBSCRIBE_DENIED,
    VERDICT_PUBLISH_DENIED,
    VERDICT_NOT_DELIVERED,
    VERDICT_NO_POLICY_ATTACHED, /* the cloud says so, and the next five */
    VERDICT_THING_NOT_ATTACHED,
    VERDICT_POLICY_DENIES_CONNECT,
    VERDICT_POLICY_DENIES_SUBSCRIBE,
    VERDICT_POLICY_DENIES_PUBLISH,
    VERDICT_POLICY_DENIES_RECEIVE,

    VERDICT_CLIENT_ID_REJECTED,
    VERDICT_CLIENT_ID_IN_USE,

    VERDICT_LOGIN_REFUSED,
    VERDICT_NOT_AUTHORIZED,
    VERDICT_CERTIFICATE_REQUIRED, /* the scheme sends none */

    VERDICT_HOST_UNKNOWN,      /* DNS, by board and host */
    VERDICT_BOARD_DNS_FAILED,  /* by the board alone */
    VERDICT_PORT_CLOSED,       /* by both */
    VERDICT_BOARD_PORT_CLOSED, /* to the board alone */
    VERDICT_NO_ANSWER,         /* TCP: from nobody */
    VERDICT_BOARD_NO_ANSWER,   /* TCP: to the board alone */
    VERDICT_HOST_CANNOT_REACH, /* only a warning: the board can */

    VERDICT_BROKER_NOT_TLS,
    VERDICT_BROKER_NEEDS_TLS,
    VERDICT_BROKER_TLS_VERSION,
    VERDICT_BROKER_TLS_REFUSED,
    VERDICT_BROKER_ALPN,
    VERDICT_BROKER_SILENT,
    VERDICT_BROKER_NOT_MQTT,
    VERDICT_BROKER_HANGS_UP, /* at CONNECT; it knows no certificate that could be at fault */
    VERDICT_BROKER_MQTT_VERSION,
    VERDICT_BROKER_UNAVAILABLE,

    VERDICT_UNEXPLAINED, /* the board fails, and all the rest looks right */
    VERDICT_CODES
};

/** The steps of a check, in order. */
enum check_stage {
    CHECK_WIFI,
    CHECK_TIME,
    CHECK_NETWORK,
    CHECK_TLS,
    CHECK_CONNECT,
    CHECK_SUBSCRIBE,
    CHECK_PUBLISH,
    CHECK_RECEIVED,
    CHECK_DONE /* the board has done all that was asked */
};

enum probe { PROBE_NOT_MADE, PROBE_OK, PROBE_REFUSED, PROBE_SILENT };

/** A part of the credential in the board's flash, against what should be there. */
enum stored {
    STORED_NOT_READ,
    STORED_SAME,
    STORED_READABLE, /* and there is nothing to compare it with */
    STORED_DIFFERS,  /* whole, but another one */
    STORED_DAMAGED,
    STORED_MISSING
};

/** What the board's log on its other UART says; most firmware is built without it. */
enum log_says {
    LOG_NOTHING,
    LOG_CERTIFICATE_EXPIRED,
    LOG_CERTIFICATE_IN_FUTURE,
    LOG_CERTIFICATE_UNTRUSTED,
    LOG_NAME_DIFFERS,
    LOG_VERIFY_FAILED, /* the board does not accept the broker's certificate */
    LOG_ALERT,         /* the broker ended the handshake */
    LOG_KEY_UNREADABLE,
    LOG_CERTIFICATE_UNREADABLE,
    LOG_DNS_FAILED,
    LOG_REFUSED, /* TCP */
    LOG_BAD_LOGIN,
    LOG_NOT_AUTHORIZED,
    LOG_CLIENT_ID_REJECTED
};

/** A connection that ended under the board was tried again, without doing anything on it. */
enum hold { HOLD_NOT_TRIED, HOLD_STAYED, HOLD_DROPPED };

struct check_evidence {
    /* What was asked; borrowed, never NULL. */
    const char *ssid, *time_server, *host, *client_id, *topic;
    int port, scheme; /* 1 plain, 2 TLS, 3 … that verifies the server, 4 with a client certificate,
                         5 both */
    bool wifi_password, sni; /* were they given? */
    struct target target;

    enum check_stage stage; /* the step that failed on the board, or CHECK_DONE */
    enum check_stage until; /* the last step that was asked for */
    char board_code[48]; /* of the board's error: "wifi_not_found", "mqtt_connect_failed" …; "" =
                            none */
    int urc_ms;          /* AT+MQTTCONN to the first line of its own accord; -1 = none */
    bool wifi_lost;      /* WIFI DISCONNECT during the check */
    bool dropped;        /* +MQTTDISCONNECTED after the connection stood */
    bool hangs;          /* the command never ended */
    bool wifi_stored;    /* firmware without AT+SYSSTORE */

    struct {
        enum probe dns, tcp, time_dns; /* by the board */
        char address[46];              /* what the board's DNS answered */
    } net;
    struct {
        bool known, set; /* when the check failed, or at its end */
        bool was_set;    /* the step "time" had set it */
        int64_t ahead_s; /* of the host's, when it is set */
    } clock;
    struct {
        enum stored part[TARGET_PARTS]; /* by enum credential_part */
        char elsewhere[TARGET_NAME];    /* "client" when the credential lies there instead; "" */
        bool key_mismatch;              /* certificate and key on the board, compared */
    } stored;
    struct {
        bool known;            /* the job's, or what was read from the board */
        bool from_board;       /* the latter */
        bool elliptic;         /* its key */
        bool no_elliptic_keys; /* the board's firmware cannot use such keys (v3.0 to v3.2) */
        int64_t not_before_s, not_after_s, now_s;
    } credential;
    enum hold hold;
    enum log_says log;
    struct {
        bool ran;
        bool name_differs; /* found at first; then it was run again without comparing */
        bool speaks_tls;   /* scheme 1 failed, and the port answers to a ClientHello */
        bool wants_alpn;   /* without an ALPN name it failed, with that of AWS it connects */
        char code[48];     /* of its error; "" = all stages went well */
        char detail[256];
        struct mqtt_check_result result;
    } check_by_host;
    struct diagnosis cloud; /* what the cloud says of the credential; empty = it was not asked */
};

struct finding {
    enum verdict_code code;
    char detail[512]; /* a sentence: what is */
    char fix[384];    /* what to do; "" when there is nothing */
};

enum { VERDICT_WARNINGS = 6 };

struct verdict {
    enum check_stage stage; /* where it failed, as far as can be told: of a failed AT+MQTTCONN the
                               board does not say whether it was TLS or MQTT */
    struct finding main;
    struct finding
        warnings[VERDICT_WARNINGS]; /* what else was found; another cause may hide there */
    size_t warning_count;
};

void verdict_find(const struct check_evidence *e, struct verdict *out);
/** Does a connection of this scheme need this part of the board's credential? */
bool check_uses_part(int scheme, enum credential_part part);

enum verdict_side verdict_side(enum verdict_code code);
const char *verdict_side_name(enum verdict_side s); /* "wifi", "board_credential" … */
const char *verdict_code_name(enum verdict_code c); /* "wifi_not_found" … */
const char *check_stage_name(enum check_stage s);   /* "wifi" … "received", "done" */
#endif
