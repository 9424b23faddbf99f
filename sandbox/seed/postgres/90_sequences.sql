-- Sequences go on after the highest id, also where ids have leapt to two billion: an int still has room there.
select setval(pg_get_serial_sequence('"User"', 'id'), max(id)) from "User"
union all

select setval(pg_get_serial_sequence('"Model"', 'id'), max(id)) from "Model"
union all

select setval(pg_get_serial_sequence('"ModelVersion"', 'id'), max(id)) from "ModelVersion"
union all

select setval(pg_get_serial_sequence('"Post"', 'id'), max(id)) from "Post"
union all

select setval(pg_get_serial_sequence('"Image"', 'id'), max(id)) from "Image"
union all

select setval(pg_get_serial_sequence('"Article"', 'id'), max(id)) from "Article"
union all

select setval(pg_get_serial_sequence('"Bounty"', 'id'), max(id)) from "Bounty"
union all

select setval(pg_get_serial_sequence('"BountyEntry"', 'id'), max(id)) from "BountyEntry"
union all

select setval(pg_get_serial_sequence('"Collection"', 'id'), max(id)) from "Collection"
union all

select setval(pg_get_serial_sequence('"Tag"', 'id'), max(id)) from "Tag"
union all

select setval(pg_get_serial_sequence('"Thread"', 'id'), max(id)) from "Thread"
union all

select setval(pg_get_serial_sequence('"DonationGoal"', 'id'), max(id)) from "DonationGoal"
union all

select setval(pg_get_serial_sequence('"ImageReaction"', 'id'), max(id)) from "ImageReaction"
union all

select setval(pg_get_serial_sequence('"ArticleReaction"', 'id'), max(id)) from "ArticleReaction"
union all

select setval(pg_get_serial_sequence('"ResourceReview"', 'id'), max(id)) from "ResourceReview"
union all

select setval(pg_get_serial_sequence('"Comment"', 'id'), max(id)) from "Comment"
union all

select setval(pg_get_serial_sequence('"CommentV2"', 'id'), max(id)) from "CommentV2"
union all

select setval(pg_get_serial_sequence('"CollectionItem"', 'id'), max(id)) from "CollectionItem"
union all

select setval(pg_get_serial_sequence('"Donation"', 'id'), max(id)) from "Donation";
