#include "service/jobs/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/port/enumerate.h"

static bool overlap(const struct port_claim *a, const struct port_claim *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (strcmp(a->device[i], b->device[k]) == 0) return true;
    return false;
}

void claims_enter(struct port_claims *all, struct port_claim *claim)
{
    struct port_claim **end = &all->first;
    while (*end)
        end = &(*end)->next;
    claim->next = NULL;
    *end = claim;
}

bool claims_granted(const struct port_claims *all, const struct port_claim *claim)
{
    for (const struct port_claim *c = all->first; c && c != claim; c = c->next)
        if (overlap(c, claim)) return false;
    return true;
}

bool claims_overlap(const struct port_claims *all, const struct port_claim *claim)
{
    for (const struct port_claim *c = all->first; c; c = c->next)
        if (overlap(c, claim)) return true;
    return false;
}

void claims_leave(struct port_claims *all, struct port_claim *claim)
{
    struct port_claim **at = &all->first;
    while (*at && *at != claim)
        at = &(*at)->next;
    if (*at) *at = claim->next;
    claim->next = NULL;
}

static bool has_device(const struct port_claim *claim, const char *device)
{
    for (size_t i = 0; i < claim->count; i++)
        if (strcmp(claim->device[i], device) == 0) return true;
    return false;
}

/* One port of a slot; both may be the same device, which then counts once. */
static enum err resolve_one(const struct port_source *from, char port[256],
                            struct port_claim *claim)
{
    struct port_info info;
    if (!port[0]) return ERR_OK;
    enum err e = enumerate_find(from->globs, from->glob_count, port, &info);
    if (e == ERR_NOT_FOUND)
        return err_fail(ERR_NOT_FOUND, "port_not_found",
                        "Plug the adapter in, or correct the slot's ports: GET /v1/ports lists "
                        "those that are there.",
                        "the port %s is not there", port);
    if (e) return e;
    memcpy(port, info.path, sizeof info.path);
    if (!has_device(claim, info.device))
        memcpy(claim->device[claim->count++], info.device, sizeof info.device);
    return ERR_OK;
}

enum err slot_resolve(const struct port_source *from, struct slot_record *slot,
                      struct port_claim *claim_out)
{
    memset(claim_out, 0, sizeof *claim_out);
    enum err e = resolve_one(from, slot->download_port, claim_out);
    return e ? e : resolve_one(from, slot->at_port, claim_out);
}

/* @return whether a port of the stored slot is this device now */
static bool slot_names_device(const struct port_source *from, const struct slot_record *slot,
                              const char *device)
{
    const char *ports[] = {slot->download_port, slot->at_port};
    struct port_info info;
    for (size_t i = 0; i < 2; i++) {
        if (!ports[i][0]) continue;
        if (enumerate_find(from->globs, from->glob_count, ports[i], &info)) continue;
        if (strcmp(info.device, device) == 0) return true;
    }
    return false;
}

/* A port that a slot names is reached by that slot only. */
static enum err refuse_named(const struct port_source *from, const struct port_info *port)
{
    struct slot_record *slots;
    size_t n;
    enum err e = store_slot_list(from->store, &slots, &n);
    for (size_t i = 0; !e && i < n; i++)
        if (slot_names_device(from, &slots[i], port->device))
            e = err_fail(ERR_NOT_FOUND, "slot_not_found", "Use the slot that names the port.",
                         "the port %s belongs to the slot \"%s\"", port->name, slots[i].name);
    free(slots);
    return e;
}

static void fill_implicit(const struct port_info *port, struct slot_record *out)
{
    *out = (struct slot_record){
        .reset = "auto", .download_baud = 115200, .flash_baud = 115200, .at_baud = 115200};
    memcpy(out->name, port->name, sizeof port->name);
    memcpy(out->download_port, port->path, sizeof port->path);
    memcpy(out->at_port, port->path, sizeof port->path);
}

enum err slot_find(const struct port_source *from, const char *name, struct slot_record *out)
{
    struct port_info info;
    enum err e = store_slot_get(from->store, name, out);
    if (e != ERR_NOT_FOUND) return e;
    struct err_info no_slot = *err_last();
    e = enumerate_find(from->globs, from->glob_count, name, &info);
    if (e == ERR_NOT_FOUND || (!e && strcmp(info.name, name) != 0)) return err_restore(&no_slot);
    if (!e) e = refuse_named(from, &info);
    if (!e) fill_implicit(&info, out);
    return e;
}

enum err slot_serves(const struct slot_record *slot, const struct command *c)
{
    static const char hint[] = "Give the slot that port with PUT /v1/slots/{name}.";
    bool checks = c->level != LEVEL_NONE;
    bool by_choice =
        c->kind == COMMAND_IDENTIFY || c->kind == COMMAND_WRITE || c->kind == COMMAND_PROVISION;
    bool needs_at = c->kind == COMMAND_AT || checks || (by_choice && c->method == METHOD_AT);
    bool needs_download = by_choice && c->method == METHOD_ROM;
    if (needs_at && !slot->at_port[0])
        return err_fail(ERR_ARG, "slot_has_no_at_port", hint, "the slot \"%s\" has no AT port",
                        slot->name);
    if ((needs_download || !slot->at_port[0]) && !slot->download_port[0])
        return err_fail(ERR_ARG, "slot_has_no_download_port", hint,
                        "the slot \"%s\" has no download port", slot->name);
    return ERR_OK;
}
