-- A moment in the life of the community: rows come, change and go, old ones too.

-- Reactions: given, and withdrawn.
insert into "ImageReaction" ("imageId", "userId", reaction, "createdAt", "updatedAt")
select image.id, member.id, 'Heart', clock_timestamp() at time zone 'utc', clock_timestamp() at time zone 'utc'
from (select id, row_number() over () as n from (select id from "Image" order by random() limit 5) as chosen) as image
inner join (select id, row_number() over () as n from (select id from "User" order by random() limit 5) as chosen) as member using (n)
on conflict do nothing;

delete from "ImageReaction" where id in (select id from "ImageReaction" order by random() limit 1);

-- Follows: begun, ended, and turned into hiding.
insert into "UserEngagement" ("userId", "targetUserId", type, "createdAt")
select follower.id, followed.id, 'Follow', clock_timestamp() at time zone 'utc'
from (select id, row_number() over () as n from (select id from "User" order by random() limit 5) as chosen) as follower
inner join (select id, row_number() over () as n from (select id from "User" order by random() limit 5) as chosen) as followed using (n)
where follower.id <> followed.id
on conflict do nothing;

delete from "UserEngagement" where ctid in (select ctid from "UserEngagement" order by random() limit 1);

update "UserEngagement" set type = 'Hide' where ctid in (select ctid from "UserEngagement" where type = 'Follow' order by random() limit 1);

-- Tips grow.
update "BuzzTip" set amount = amount + 10, "updatedAt" = clock_timestamp() at time zone 'utc'
where ctid in (select ctid from "BuzzTip" order by random() limit 1);

-- A user changes the mind about a version.
update "ResourceReview" set recommended = not recommended, "updatedAt" = clock_timestamp() at time zone 'utc'
where id in (select id from "ResourceReview" order by random() limit 1);
