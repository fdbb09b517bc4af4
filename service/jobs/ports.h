/* ports: which ports a slot has, where they are now, and who owns them. */
#ifndef SERVICE_JOBS_PORTS_H
#define SERVICE_JOBS_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"
#include "service/jobs/command.h"
#include "service/port/enumerate.h"
#include "service/store/store.h"

/** What a job wants to own: the ports of its slot, by their stable identities: a port that comes
 * back as another device stays owned. */
struct port_claim {
    char id[2][256];
    size_t count;
    struct port_claim *next;
};

/** All claims, held and waiting, in the order in which they came. Used under the lock of jobs. */
struct port_claims {
    struct port_claim *first;
};

void claims_enter(struct port_claims *all, struct port_claim *claim);
/** @return true when no earlier claim wants one of its ports: it owns them until it leaves. A
 * claim gets all or nothing, and the order is one for all, so claims cannot block each other for
 * ever. */
bool claims_granted(const struct port_claims *all, const struct port_claim *claim);
/** @return true when a claim is there for one of these ports */
bool claims_overlap(const struct port_claims *all, const struct port_claim *claim);
void claims_leave(struct port_claims *all, struct port_claim *claim);

/** Where to look for slots and ports. */
struct port_source {
    struct store *store;
    const char *const *globs;
    size_t glob_count;
};

/** The host's ports now. @param[out] out  as enumerate_ports() */
enum err ports_look(const struct port_source *from, struct port_list *out);

/** A stored slot, or the implicit one of a port that no slot names.
 *  @param ports  NULL: they are looked at when that is needed
 *  @return ERR_OK; ERR_NOT_FOUND with code slot_not_found; ERR_IO, ERR_MEM */
enum err slot_find(const struct port_source *from, const struct port_list *ports, const char *name,
                   struct slot_record *out);
/** Can this slot serve the command? @return ERR_OK; ERR_ARG with code slot_has_no_at_port,
 * slot_has_no_download_port */
enum err slot_serves(const struct slot_record *slot, const struct command *c);
/** Replace the ports of @p slot by the paths to open, and note their identities.
 *  @return ERR_OK; ERR_NOT_FOUND with code port_not_found */
enum err slot_resolve(const struct port_list *ports, struct slot_record *slot,
                      struct port_claim *claim_out);
#endif
