#include <string.h>

#include "service/cloud/aws_iot_parts.h"

/* Pages of lists of things and of what belongs to them. */
static const struct iot_pages principals = {"principals", "nextToken", "maxResults=250",
                                            "nextToken", NULL};
static const struct iot_pages things = {"things", "nextToken", "maxResults=250", "nextToken", NULL};

static enum err read_thing(const struct iot_order *o, const json_t *body, struct iot_thing *out)
{
    enum err e = iot_take(o, body, "thingArn", out->arn, sizeof out->arn);
    if (!e) e = iot_take(o, body, "thingId", out->id, sizeof out->id);
    if (!e && json_object_get(body, "thingTypeName"))
        e = iot_take(o, body, "thingTypeName", out->type, sizeof out->type);
    json_t *attributes = json_object_get(body, "attributes");
    if (!e && json_is_object(attributes)) out->attributes = json_incref(attributes);
    return e;
}

enum err iot_create_thing(const struct aws_use *u, const char *name, const char *type,
                          json_t *attributes, struct iot_thing *out)
{
    const struct iot_order o = {IOT_OPERATION("CreateThing"), .method = "POST",
                                .before = "/things/", .name = name};
    struct aws_answer a;
    *out = (struct iot_thing){0};
    json_t *body = attributes ? json_pack("{s:{s:O}}", "attributePayload", "attributes", attributes)
                              : json_object();
    if (*type) json_object_set_new(body, "thingTypeName", json_string(type));
    enum err e = iot_call_with(u, &o, body, &a);
    if (!e) e = read_thing(&o, a.body, out);
    aws_answer_dispose(&a);
    return e;
}

enum err iot_describe_thing(const struct aws_use *u, const char *name, struct iot_thing *out)
{
    const struct iot_order o = {IOT_OPERATION("DescribeThing"), .method = "GET",
                                .before = "/things/", .name = name};
    struct aws_answer a;
    *out = (struct iot_thing){0};
    enum err e = iot_call(u, &o, &a);
    if (!e) e = read_thing(&o, a.body, out);
    aws_answer_dispose(&a);
    return e;
}

enum err iot_delete_thing(const struct aws_use *u, const char *name)
{
    const struct iot_order o = {IOT_OPERATION("DeleteThing"), .method = "DELETE",
                                .before = "/things/", .name = name};
    enum err e = iot_gone(iot_do(u, &o));
    struct err_info said = *err_last();
    if (!err_is(e, "aws_invalid") || !said.device[0]) return e;
    /* Its name was good enough to be made, so what AWS finds invalid is the moment. */
    e = err_fail(ERR_CONFLICT, "aws_conflict", "It goes when its principals are detached.",
                 "the thing %s cannot be deleted yet", name);
    return err_device(e, said.device, strlen(said.device));
}

static json_t *thing_and_group(const char *thing, const char *group)
{
    return json_pack("{s:s,s:s}", "thingGroupName", group, "thingName", thing);
}

enum err iot_add_thing_to_group(const struct aws_use *u, const char *thing, const char *group)
{
    const struct iot_order o = {IOT_OPERATION("AddThingToThingGroup"), .method = "PUT",
                                .before = "/thing-groups/addThingToThingGroup"};
    return iot_do_with(u, &o, thing_and_group(thing, group));
}

enum err iot_remove_thing_from_group(const struct aws_use *u, const char *thing, const char *group)
{
    const struct iot_order o = {IOT_OPERATION("RemoveThingFromThingGroup"), .method = "PUT",
                                .before = "/thing-groups/removeThingFromThingGroup"};
    return iot_gone(iot_do_with(u, &o, thing_and_group(thing, group)));
}

enum err iot_list_thing_principals(const struct aws_use *u, const char *thing, json_t **out)
{
    const struct iot_order o = {IOT_OPERATION("ListThingPrincipals"), .method = "GET",
                                .before = "/things/", .name = thing, .after = "/principals"};
    return iot_list(u, &o, &principals, NULL, out);
}

enum err iot_attach_thing_principal(const struct aws_use *u, const char *thing, const char *arn)
{
    const struct iot_order o = {IOT_OPERATION("AttachThingPrincipal"),
                                .method = "PUT",
                                .before = "/things/",
                                .name = thing,
                                .after = "/principals",
                                .principal = arn};
    return iot_do(u, &o);
}

enum err iot_detach_thing_principal(const struct aws_use *u, const char *thing, const char *arn)
{
    const struct iot_order o = {IOT_OPERATION("DetachThingPrincipal"),
                                .method = "DELETE",
                                .before = "/things/",
                                .name = thing,
                                .after = "/principals",
                                .principal = arn};
    return iot_gone(iot_do(u, &o));
}

enum err iot_list_principal_things(const struct aws_use *u, const char *arn, json_t **out)
{
    const struct iot_order o = {IOT_OPERATION("ListPrincipalThings"), .method = "GET",
                                .before = "/principals/things", .principal = arn};
    return iot_list(u, &o, &things, NULL, out);
}
