#include "service/jobs/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool overlap(const struct port_claim *a, const struct port_claim *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (strcmp(a->id[i], b->id[k]) == 0) return true;
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

enum err ports_look(const struct port_source *from, struct port_list *out)
{
    return enumerate_ports(from->globs, from->glob_count, out);
}

static bool has_id(const struct port_claim *claim, const char *id)
{
    for (size_t i = 0; i < claim->count; i++)
        if (strcmp(claim->id[i], id) == 0) return true;
    return false;
}

/* One port of a slot; both may be the same, which then counts once. */
static enum err resolve_one(const struct port_list *ports, char port[256], struct port_claim *claim)
{
    if (!port[0]) return ERR_OK;
    const struct port_info *info = enumerate_match(ports, port);
    if (!info)
        return err_fail(ERR_NOT_FOUND, "port_not_found",
                        "Plug the adapter in, or correct the slot's ports: GET /v1/ports lists "
                        "those that are there.",
                        "the port %s is not there", port);
    memcpy(port, info->path, sizeof info->path);
    if (!has_id(claim, info->id)) memcpy(claim->id[claim->count++], info->id, sizeof info->id);
    return ERR_OK;
}

enum err slot_resolve(const struct port_list *ports, struct slot_record *slot,
                      struct port_claim *claim_out)
{
    memset(claim_out, 0, sizeof *claim_out);
    enum err e = resolve_one(ports, slot->download_port, claim_out);
    return e ? e : resolve_one(ports, slot->at_port, claim_out);
}

/* A port that a slot names is reached by that slot only. */
static enum err refuse_named(const struct port_source *from, const struct port_list *ports,
                             const struct port_info *port)
{
    struct slot_record *slots;
    size_t n;
    enum err e = store_slot_list(from->store, &slots, &n);
    for (size_t i = 0; !e && i < n; i++)
        if (enumerate_match(ports, slots[i].download_port) == port ||
            enumerate_match(ports, slots[i].at_port) == port)
            e = err_fail(ERR_NOT_FOUND, "slot_not_found", "Use the slot that names the port.",
                         "the port %s belongs to the slot \"%s\"", port->name, slots[i].name);
    free(slots);
    return e;
}

static void fill_implicit(const struct port_info *port, struct slot_record *out)
{
    *out = (struct slot_record){
        .reset = "auto", .download_baud = 115200, .flash_baud = 921600, .at_baud = 115200};
    memcpy(out->name, port->name, sizeof port->name);
    memcpy(out->download_port, port->path, sizeof port->path);
    memcpy(out->at_port, port->path, sizeof port->path);
}

/* @param no_slot  the error when no port has that name */
static enum err find_implicit(const struct port_source *from, const struct port_list *ports,
                              const char *name, const struct err_info *no_slot,
                              struct slot_record *out)
{
    const struct port_info *port = enumerate_match(ports, name);
    if (!port || strcmp(port->name, name) != 0) return err_restore(no_slot);
    enum err e = refuse_named(from, ports, port);
    if (!e) fill_implicit(port, out);
    return e;
}

enum err slot_find(const struct port_source *from, const struct port_list *ports, const char *name,
                   struct slot_record *out)
{
    struct port_list own = {.items = NULL};
    enum err e = store_slot_get(from->store, name, out);
    if (e != ERR_NOT_FOUND) return e;
    const struct err_info no_slot = *err_last();
    if (ports) return find_implicit(from, ports, name, &no_slot, out);
    e = ports_look(from, &own);
    if (!e) e = find_implicit(from, &own, name, &no_slot, out);
    free(own.items);
    return e;
}

enum err slot_serves(const struct slot_record *slot, const struct command *c)
{
    static const char hint[] = "Give the slot that port with PUT /v1/slots/{name}.";
    bool checks = c->level != LEVEL_NONE;
    bool by_choice =
        c->kind == COMMAND_IDENTIFY || c->kind == COMMAND_WRITE || c->kind == COMMAND_PROVISION;
    bool needs_at = c->kind == COMMAND_AT || checks || (by_choice && c->method == METHOD_AT);
    bool flashes = c->kind == COMMAND_FLASH || c->kind == COMMAND_READ ||
                   c->kind == COMMAND_ERASE || c->kind == COMMAND_RESTORE;
    bool needs_download = flashes || (by_choice && c->method == METHOD_ROM);
    if (needs_at && !slot->at_port[0])
        return err_fail(ERR_ARG, "slot_has_no_at_port", hint, "the slot \"%s\" has no AT port",
                        slot->name);
    if ((needs_download || !slot->at_port[0]) && !slot->download_port[0])
        return err_fail(ERR_ARG, "slot_has_no_download_port", hint,
                        "the slot \"%s\" has no download port", slot->name);
    return ERR_OK;
}
