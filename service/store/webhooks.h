/* webhooks: who is told when a job has ended, and what became of telling them. Part of the store's
 * interface (store.h). A delivery is written together with the end of its job, and stays pending
 * until the receiver has taken it or too many tries have failed: so it is made at least once. */
#ifndef SERVICE_STORE_WEBHOOKS_H
#define SERVICE_STORE_WEBHOOKS_H

#include "service/store/store.h"

struct webhook_record {
    char id[ID_TEXT]; /* "hook_…" */
    int64_t created_ms;
    char url[LIMIT_URL + 1];
    char *ca_pem;    /* heap: whom to trust instead of the system's authorities; NULL = those */
    char slot[64];   /* jobs of this slot only; "" = of all */
    unsigned states; /* jobs that ended in one of these, sum of 1 << enum job_state; 0 = all */
};
void webhook_record_dispose(struct webhook_record *r);
/** @param secret  the bytes that sign; sealed before they reach the database
 *  @return ERR_OK; ERR_CONFLICT with code too_many_webhooks (LIMIT_WEBHOOKS); ERR_IO, ERR_MEM */
enum err store_webhook_add(struct store *s, const struct webhook_record *r, const void *secret,
                           size_t n);
/** @return ERR_OK; ERR_NOT_FOUND with code webhook_not_found */
enum err store_webhook_get(struct store *s, const char *id, struct webhook_record *out);
/** @param secret_out  init it with buf_init_secret @return as store_webhook_get() */
enum err store_webhook_secret(struct store *s, const char *id, struct buf *secret_out);
/** With its deliveries. @return as store_webhook_get() */
enum err store_webhook_delete(struct store *s, const char *id);
/** Newest first. Release each with webhook_record_dispose() and the list with free(). */
enum err store_webhook_list(struct store *s, struct store_page *page,
                            struct webhook_record **list_out, size_t *n_out);

/** Is there one? Also true when the store does not tell. */
bool store_has_webhooks(struct store *s);

enum delivery_state { DELIVERY_PENDING, DELIVERY_DELIVERED, DELIVERY_FAILED };
/** "pending", … */
const char *delivery_state_name(enum delivery_state s);

struct delivery_record {
    char id[ID_TEXT]; /* "dlv_…"; the same at each try, so that a receiver knows a repetition */
    char webhook[ID_TEXT];
    char job[ID_TEXT]; /* "" = a test */
    enum delivery_state state;
    int attempts; /* that have ended */
    int64_t created_ms;
    int64_t tried_ms; /* end of the last attempt; 0 = none yet */
    int64_t next_ms;  /* pending: not before; 0 = at once */
    int64_t ended_ms; /* 0 = pending */
    int status;       /* HTTP status of the last attempt; 0 = no answer */
    char error[256];  /* of the last attempt; "" = none */
};
/** A delivery of a test. @return ERR_OK; ERR_NOT_FOUND with code webhook_not_found */
enum err store_delivery_test(struct store *s, const char *webhook, struct delivery_record *out);
/** @return ERR_OK; ERR_NOT_FOUND with code delivery_not_found, also when it is another webhook's */
enum err store_delivery_get(struct store *s, const char *webhook, const char *id,
                            struct delivery_record *out);
/** Newest first. Release the list with free(). */
enum err store_delivery_list(struct store *s, const char *webhook, struct store_page *page,
                             struct delivery_record **list_out, size_t *n_out);
/** Write what an attempt has changed: all but the first three and created_ms.
 *  @return ERR_OK; ERR_NOT_FOUND when its webhook was deleted meanwhile */
enum err store_delivery_save(struct store *s, const struct delivery_record *r);
/** An ended one becomes pending, as if it were new. @param[out] out  as it is then
 *  @return ERR_OK; ERR_CONFLICT with code delivery_pending; as store_delivery_get() */
enum err store_delivery_again(struct store *s, const char *webhook, const char *id,
                              struct delivery_record *out);
/** Of each webhook the pending delivery whose turn is next, whether its time has come or not: at
 * most LIMIT_WEBHOOKS. Release the list with free(). */
enum err store_delivery_next(struct store *s, struct delivery_record **list_out, size_t *n_out);
/** The clock was put back: those that were tried in what is the future now are tried at once, since
 * the time that was reckoned for their next try says nothing. */
enum err store_delivery_clock_back(struct store *s, int64_t now_ms);
/** What is sent. @return ERR_OK; ERR_NOT_FOUND with code delivery_not_found */
enum err store_delivery_body(struct store *s, const char *id, struct buf *out);
#endif
