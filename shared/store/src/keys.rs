//! Who may write: API keys, and database roles that may publish.

use chrono::{DateTime, Utc};
use dragoman_core::TypePattern;
use rand::TryRngCore;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use thiserror::Error;

use crate::{CatalogueError, Door, Store, StoreError};

/// The public beginning of every key, so that scanners find leaked ones.
const PREFIX: &str = "dgm_";

/// What a key or role is to be allowed.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// How people call it.
    pub name: String,
    /// The sources that it may write.
    pub sources: Vec<String>,
    /// The types that it may write.
    pub types: Vec<TypePattern>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key that was just made. The only place where the key itself is ever seen.
pub struct CreatedKey {
    /// How people call it.
    pub name: String,
    /// The key: `dgm_` and 256 random bits in hexadecimal.
    pub key: String,
    /// The sources that it may write.
    pub sources: Vec<String>,
    /// The types that it may write, as patterns.
    pub types: Vec<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A database role that may publish by SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedRole {
    /// The role.
    pub role: String,
    /// The sources that it may write.
    pub sources: Vec<String>,
}

/// What is known of a key without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// How people call it.
    pub name: String,
    /// The database role, when it is one; else an API key.
    pub role: Option<String>,
    /// The sources that it may write.
    pub sources: Vec<String>,
    /// The types that it may write, as patterns.
    pub types: Vec<String>,
    /// When it was made; not recorded for roles.
    pub created_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What the bearer of a live key may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScope {
    /// How people call the key.
    pub name: String,
    /// The sources.
    pub sources: Vec<String>,
    /// The types.
    pub types: Vec<TypePattern>,
    /// When the key ends; the bearer's request is compared with it each time.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a key could not be made, changed or ended.
#[derive(Debug, Error)]
pub enum KeyError {
    /// There is a live one of that name.
    #[error(
        "a key named {name} exists: rotate it (dragoman keys rotate {name}) or choose another name"
    )]
    Exists {
        /// The name.
        name: String,
    },
    /// There is no live one of that name.
    #[error("there is no live key named {name}; `dragoman keys list` shows those that exist")]
    Unknown {
        /// The name.
        name: String,
    },
    /// There is no such role in the database.
    #[error("the database has no role {role}; create it first: create role {role} login")]
    UnknownRole {
        /// The role.
        role: String,
    },
    /// The source has another door.
    #[error(transparent)]
    Source(CatalogueError),
    /// The machine has no randomness to give.
    #[error("the operating system gave no random bytes for a key")]
    Randomness,
    /// The database did not take it.
    #[error("the key could not be written")]
    Store(#[source] StoreError),
}

/// The hash under which a key is kept: SHA-256. No salt and no stretching are
/// needed, because a key has 256 random bits.
#[must_use]
pub fn hash_of_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn random_key() -> Result<String, KeyError> {
    let mut bytes = [0_u8; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| KeyError::Randomness)?;
    Ok(format!("{PREFIX}{}", hex::encode(bytes)))
}

fn during(doing: &'static str) -> impl FnOnce(sqlx::Error) -> KeyError {
    move |source| KeyError::Store(StoreError::during(doing)(source))
}

fn as_text(types: &[TypePattern]) -> Vec<String> {
    types.iter().map(ToString::to_string).collect()
}

impl Store {
    /// Makes an API key. The sources come in by the API from now on.
    ///
    /// # Errors
    /// When a live key has the name, or a source has another door.
    pub async fn create_key(&self, new: &NewKey) -> Result<CreatedKey, KeyError> {
        if self.live_key_count(&new.name).await? > 0 {
            return Err(KeyError::Exists {
                name: new.name.clone(),
            });
        }
        for source in &new.sources {
            self.claim_source(source, Door::Api, &new.name)
                .await
                .map_err(KeyError::Source)?;
        }
        self.insert_key(
            &new.name,
            &new.sources,
            &as_text(&new.types),
            new.expires_at,
        )
        .await
    }

    /// Makes a second key with the scopes of the newest live one, and lets the older
    /// ones end at `old_ends_at`, so that both serve meanwhile.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn rotate_key(
        &self,
        name: &str,
        old_ends_at: DateTime<Utc>,
    ) -> Result<CreatedKey, KeyError> {
        type Scopes = (Vec<String>, Vec<String>, Option<DateTime<Utc>>);
        let newest: Option<Scopes> = sqlx::query_as(
            "select sources, types, expires_at from dragoman.api_keys
             where name = $1 and revoked_at is null and (expires_at is null or expires_at > now())
             order by created_at desc limit 1",
        )
        .bind(name)
        .fetch_optional(&self.pool)
        .await
        .map_err(during("reading the key"))?;
        let Some((sources, types, expires_at)) = newest else {
            return Err(KeyError::Unknown {
                name: name.to_owned(),
            });
        };
        let created = self.insert_key(name, &sources, &types, expires_at).await?;
        sqlx::query(
            "update dragoman.api_keys set expires_at = least(expires_at, $3)
             where name = $1 and hash <> $2 and revoked_at is null",
        )
        .bind(name)
        .bind(hash_of_key(&created.key).as_slice())
        .bind(old_ends_at)
        .execute(&self.pool)
        .await
        .map_err(during("letting the older keys end"))?;
        Ok(created)
    }

    /// Ends every key and every role's grant of that name at once. Returns how many.
    ///
    /// # Errors
    /// When there is none.
    pub async fn revoke_key(&self, name: &str) -> Result<u64, KeyError> {
        let ended: i64 = sqlx::query_scalar(
            "with keys as (
                 update dragoman.api_keys set revoked_at = now()
                 where name = $1 and revoked_at is null returning 1
             ), grants as (
                 delete from dragoman.publisher_grants where name = $1 returning 1
             )
             select (select count(*) from keys) + (select count(*) from grants)",
        )
        .bind(name)
        .fetch_one(&self.pool)
        .await
        .map_err(during("revoking"))?;
        if ended == 0 {
            return Err(KeyError::Unknown {
                name: name.to_owned(),
            });
        }
        Ok(ended.unsigned_abs())
    }

    /// Every key and grant that ever was, by name, then by age.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        type Row = (
            String,
            Option<String>,
            Vec<String>,
            Vec<String>,
            Option<DateTime<Utc>>,
            Option<DateTime<Utc>>,
            Option<DateTime<Utc>>,
        );
        let rows: Vec<Row> = sqlx::query_as(
            "select name, null, sources, types, created_at, expires_at, revoked_at
             from dragoman.api_keys
             union all
             select name, role, array_agg(source order by source), types, null, expires_at, null
             from dragoman.publisher_grants group by name, role, types, expires_at
             order by 1, 5",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("listing the keys"))?;
        Ok(rows
            .into_iter()
            .map(
                |(name, role, sources, types, created_at, expires_at, revoked_at)| KeyRecord {
                    name,
                    role,
                    sources,
                    types,
                    created_at,
                    expires_at,
                    revoked_at,
                },
            )
            .collect())
    }

    /// What the bearer of the key with this hash may write; `None` when there is no
    /// such key, or it was revoked or has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<KeyScope>, StoreError> {
        type Row = (String, Vec<String>, Vec<String>, Option<DateTime<Utc>>);
        let row: Option<Row> = sqlx::query_as(
            "select name, sources, types, expires_at from dragoman.api_keys
                 where hash = $1 and revoked_at is null
                   and (expires_at is null or expires_at > now())",
        )
        .bind(hash.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::during("looking up a key"))?;
        row.map(|(name, sources, types, expires_at)| {
            let types = types
                .iter()
                .map(|pattern| pattern.parse())
                .collect::<Result<_, _>>()
                .map_err(
                    |error: dragoman_core::TypePatternError| StoreError::Corrupt {
                        table: "api_keys",
                        what: error.to_string(),
                    },
                )?;
            Ok(KeyScope {
                name,
                sources,
                types,
                expires_at,
            })
        })
        .transpose()
    }

    /// Lets a database role publish these sources by `dragoman.publish()`.
    ///
    /// # Errors
    /// When the role does not exist, or a source has another door.
    pub async fn grant_publisher(&self, new: &NewKey, role: &str) -> Result<GrantedRole, KeyError> {
        let quoted: Option<String> =
            sqlx::query_scalar("select quote_ident(rolname) from pg_roles where rolname = $1")
                .bind(role)
                .fetch_optional(&self.pool)
                .await
                .map_err(during("looking for the role"))?;
        let Some(quoted) = quoted else {
            return Err(KeyError::UnknownRole {
                role: role.to_owned(),
            });
        };
        for source in &new.sources {
            self.claim_source(source, Door::Sql, &new.name)
                .await
                .map_err(KeyError::Source)?;
        }
        sqlx::query(AssertSqlSafe(format!(
            "grant dragoman_publisher to {quoted}"
        )))
        .execute(&self.pool)
        .await
        .map_err(during("granting dragoman_publisher"))?;
        sqlx::query(
            "insert into dragoman.publisher_grants (role, source, name, types, expires_at)
             select $1, source, $3, $4, $5 from unnest($2::text[]) as wanted (source)
             on conflict (role, source) do update
                set name = excluded.name, types = excluded.types, expires_at = excluded.expires_at",
        )
        .bind(role)
        .bind(&new.sources)
        .bind(&new.name)
        .bind(as_text(&new.types))
        .bind(new.expires_at)
        .execute(&self.pool)
        .await
        .map_err(during("granting the sources"))?;
        Ok(GrantedRole {
            role: role.to_owned(),
            sources: new.sources.clone(),
        })
    }

    async fn live_key_count(&self, name: &str) -> Result<i64, KeyError> {
        sqlx::query_scalar(
            "select count(*) from dragoman.api_keys
             where name = $1 and revoked_at is null and (expires_at is null or expires_at > now())",
        )
        .bind(name)
        .fetch_one(&self.pool)
        .await
        .map_err(during("looking for keys of that name"))
    }

    async fn insert_key(
        &self,
        name: &str,
        sources: &[String],
        types: &[String],
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<CreatedKey, KeyError> {
        let key = random_key()?;
        sqlx::query(
            "insert into dragoman.api_keys (hash, name, sources, types, expires_at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(hash_of_key(&key).as_slice())
        .bind(name)
        .bind(sources)
        .bind(types)
        .bind(expires_at)
        .execute(&self.pool)
        .await
        .map_err(during("writing the key"))?;
        Ok(CreatedKey {
            name: name.to_owned(),
            key,
            sources: sources.to_vec(),
            types: types.to_vec(),
            expires_at,
        })
    }
}
