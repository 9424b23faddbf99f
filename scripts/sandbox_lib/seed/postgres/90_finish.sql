-- Sequences go on after the highest id, also where ids have leapt to two billion and on.
select setval(pg_get_serial_sequence('"User"', 'id'), max(id)) from "User";
select setval(pg_get_serial_sequence('"Model"', 'id'), max(id)) from "Model";
select setval(pg_get_serial_sequence('"ModelVersion"', 'id'), max(id)) from "ModelVersion";
select setval(pg_get_serial_sequence('"Post"', 'id'), max(id)) from "Post";
select setval(pg_get_serial_sequence('"Image"', 'id'), max(id)) from "Image";
select setval(pg_get_serial_sequence('"Article"', 'id'), max(id)) from "Article";
select setval(pg_get_serial_sequence('"Bounty"', 'id'), max(id)) from "Bounty";
select setval(pg_get_serial_sequence('"BountyEntry"', 'id'), max(id)) from "BountyEntry";
select setval(pg_get_serial_sequence('"Collection"', 'id'), max(id)) from "Collection";
select setval(pg_get_serial_sequence('"Tag"', 'id'), max(id)) from "Tag";
select setval(pg_get_serial_sequence('"Thread"', 'id'), max(id)) from "Thread";
select setval(pg_get_serial_sequence('"DonationGoal"', 'id'), max(id)) from "DonationGoal";
select setval(pg_get_serial_sequence('"ImageReaction"', 'id'), max(id)) from "ImageReaction";
select setval(pg_get_serial_sequence('"ArticleReaction"', 'id'), max(id)) from "ArticleReaction";
select setval(pg_get_serial_sequence('"ResourceReview"', 'id'), max(id)) from "ResourceReview";
select setval(pg_get_serial_sequence('"Comment"', 'id'), max(id)) from "Comment";
select setval(pg_get_serial_sequence('"CommentV2"', 'id'), max(id)) from "CommentV2";
select setval(pg_get_serial_sequence('"CollectionItem"', 'id'), max(id)) from "CollectionItem";
select setval(pg_get_serial_sequence('"Donation"', 'id'), max(id)) from "Donation";

do $$
begin
    if exists (select from pg_roles where rolname = 'metrics_reader') then
        grant select on all tables in schema public to metrics_reader;
    end if;
end
$$;
