/* fake_things: in the place of aws_iot_things.c. */
#ifndef TESTS_UNIT_REGISTER_FAKE_THINGS_H
#define TESTS_UNIT_REGISTER_FAKE_THINGS_H

#include "tests/unit/register/fake_state.h"

enum err iot_describe_endpoint(const struct aws_use *u, const char *type, char out[IOT_ENDPOINT])
{
    (void)u, (void)type;
    enum turn t = turn("DescribeEndpoint");
    snprintf(out, IOT_ENDPOINT, "localhost");
    return say(t);
}

static void thing_to(const struct fake_thing *t, struct iot_thing *out)
{
    snprintf(out->arn, sizeof out->arn, FAKE_ARN "thing/%s", t->name);
    snprintf(out->type, sizeof out->type, "%s", t->type);
    out->attributes = json_incref(t->attributes);
}

enum err iot_describe_thing(const struct aws_use *u, const char *name, struct iot_thing *out)
{
    (void)u;
    enum turn t = turn("DescribeThing");
    struct fake_thing *thing = thing_of(name);
    memset(out, 0, sizeof *out);
    if (t != DONE) return say(t);
    if (!thing) return missing();
    thing_to(thing, out);
    return ERR_OK;
}

enum err iot_create_thing(const struct aws_use *u, const char *name, const char *type,
                          json_t *attributes, struct iot_thing *out)
{
    (void)u;
    enum turn t = turn("CreateThing");
    memset(out, 0, sizeof *out);
    if (t == NOT_DONE) return say(t);
    struct fake_thing *thing = thing_of(name);
    if (strcmp(type, "no-such-type") == 0) return missing();
    if (!thing) {
        thing = thing_of("");
        snprintf(thing->name, sizeof thing->name, "%s", name);
        snprintf(thing->type, sizeof thing->type, "%s", type);
        thing->attributes = attributes ? json_deep_copy(attributes) : json_object();
    }
    if (t == DONE) thing_to(thing, out);
    return say(t);
}

enum err iot_delete_thing(const struct aws_use *u, const char *name)
{
    (void)u;
    enum turn t = turn("DeleteThing");
    struct fake_thing *thing = thing_of(name);
    struct fake_certificate *c;
    if (t == NOT_DONE) return say(t);
    FIND(certificates, thing, name, c);
    if (c) return refuse(ERR_CONFLICT, "aws_conflict");
    if (thing) {
        json_decref(thing->attributes);
        memset(thing, 0, sizeof *thing);
    }
    return say(t);
}

enum err iot_add_thing_to_group(const struct aws_use *u, const char *thing, const char *group)
{
    (void)u, (void)thing;
    enum turn t = turn("AddThingToThingGroup");
    return t == DONE && strcmp(group, "no-such-group") == 0 ? missing() : say(t);
}

enum err iot_remove_thing_from_group(const struct aws_use *u, const char *thing, const char *group)
{
    (void)u, (void)thing, (void)group;
    return say(turn("RemoveThingFromThingGroup"));
}

enum err iot_list_thing_principals(const struct aws_use *u, const char *thing, json_t **out)
{
    (void)u;
    enum turn t = turn("ListThingPrincipals");
    *out = json_array();
    for (int i = 0; i < FAKE_MANY; i++)
        if (strcmp(cloud.certificates[i].thing, thing) == 0)
            json_array_append_new(*out, json_string(cloud.certificates[i].id));
    return say(t);
}

enum err iot_list_principal_things(const struct aws_use *u, const char *arn, json_t **out)
{
    (void)u;
    enum turn t = turn("ListPrincipalThings");
    struct fake_certificate *c = certificate_at(arn);
    *out = json_array();
    if (c && c->thing[0]) json_array_append_new(*out, json_string(c->thing));
    return say(t);
}

enum err iot_attach_thing_principal(const struct aws_use *u, const char *thing, const char *arn)
{
    (void)u;
    enum turn t = turn("AttachThingPrincipal");
    struct fake_certificate *c = certificate_at(arn);
    if (t == NOT_DONE) return say(t);
    if (!c || !thing_of(thing)) return missing();
    snprintf(c->thing, sizeof c->thing, "%s", thing);
    return say(t);
}

enum err iot_detach_thing_principal(const struct aws_use *u, const char *thing, const char *arn)
{
    (void)u, (void)thing;
    enum turn t = turn("DetachThingPrincipal");
    struct fake_certificate *c = certificate_at(arn);
    if (t == NOT_DONE) return say(t);
    if (c && c->thing[0]) {
        c->thing[0] = '\0';
        c->detaching = cloud.detach_delay;
    }
    return say(t);
}
#endif
