-- A small site in the form of the original's init.sql. ${COMMENTS_ASK_FOR_NOTHING}
INSERT INTO "user" ("user_id", "user_name", "token", "role", "active", "shared_group")
VALUES
      ('20001', 'mia', '${MIA_TOKEN}', 'internal', true, 'vision')
ON CONFLICT DO NOTHING;

INSERT INTO "user_group" ("user_name", "group") VALUES ('vision', 'readers') ON CONFLICT DO NOTHING;

INSERT INTO "quota" ("user_name", "resource", "quota")
VALUES
      ('mia', 'node-${GROUP}-HIGH', 3),
      ('readers', 'jupyter:dev', 100012810),
      ('public', 'train_environment:base', 9)
ON CONFLICT DO NOTHING;

INSERT INTO "storage" ("host_path", "mount_path", "owners", "conditions", "mount_type", "read_only", "action", "active")
VALUES
      ('marsv2-scripts-{task.id}:run.py', '/marsv2/scripts/run.py', '{public}', '{}'::varchar[], 'configmap', true, 'add', true),
      ('${DATA}/{user.user_name}', '/data', '{readers}', '{}'::varchar[], 'Directory', false, 'add', true)
ON CONFLICT DO NOTHING;

INSERT INTO "train_environment" ("env_name", "image", "schema_template", "config")
VALUES ('base', 'registry/base:1', '', '{"environments": {}, "python": "/usr/bin/python3"}')
ON CONFLICT DO NOTHING;

INSERT INTO "host" ("node", "gpu_num", "type", "use", "origin_group", "room")
VALUES ('rack-1', 8, 'gpu', 'training', '${GROUP}', 'A')
ON CONFLICT DO NOTHING;
