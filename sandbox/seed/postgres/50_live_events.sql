-- What the application's tracker has written into the event log since the cutoff; seed.py copies it to ClickHouse. seed.py
-- adds the events of all rows, as docs/event-contract.md has them. Here are those of which no row is left, and the drift.

create temporary table live_events (
    "entityType" text,
    "entityId" int,
    "userId" int,
    "metricType" text,
    "metricValue" int,
    "createdAt" timestamp(3)
);

-- Reactions given and withdrawn since.
insert into live_events
select
    'Image',
    reaction."imageId",
    reaction."userId" + 1,
    'Reaction' || reaction.reaction,
    change.value,
    reaction."createdAt" + change.later
from "ImageReaction" as reaction
cross join (values (1, interval '0'), (-1, interval '1 hour')) as change (value, later)
where
    reaction."createdAt" >= pg_temp.cutoff()
    and reaction.reaction <> 'Dislike'
    and reaction.id % 40 = 0;

-- The planted drift: where this tracker breaks the contract. Parity of the present names these five entities, in three
-- metrics, and no other.
insert into live_events
values
    -- a like withdrawn at the very cutoff, and recorded although the row went before it
    ('Image', 1, 20, 'ReactionLike', -1, pg_temp.cutoff()),
    -- hearts withdrawn twice: image 2 has fewer than none
    ('Image', 2, 21, 'ReactionHeart', -1, pg_temp.cutoff() + interval '1 second'),
    ('Image', 2, 22, 'ReactionHeart', -1, pg_temp.cutoff() + interval '2 seconds'),
    -- follows of which the end was never recorded
    ('User', 2, 30, 'Follower', 1, pg_temp.cutoff() + interval '1 day'),
    ('User', 3, 30, 'Follower', 1, pg_temp.cutoff() + interval '1 day'),
    ('User', 1001, 30, 'Follower', 1, pg_temp.cutoff() + interval '2 days');
