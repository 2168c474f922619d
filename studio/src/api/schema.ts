// Generated from the server's OpenAPI description by `make types`; not edited by hand.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Add
         * @description Prompts that are added together, as one change.
         */
        Add: {
            prompts: (components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | components["schemas"]["ScribblePrompt"] | components["schemas"]["LassoPrompt"] | components["schemas"]["MaskPrompt"])[];
        };
        /**
         * AddBox
         * @description Two opposite corners, both included.
         */
        AddBox: {
            /**
             * Max Ijk
             * @description Voxel indices i, j, k of the source
             */
            max_ijk: number[];
            /**
             * Min Ijk
             * @description Voxel indices i, j, k of the source
             */
            min_ijk: number[];
        };
        /**
         * AddLasso
         * @description A closed polygon on one slice with bone inside.
         */
        AddLasso: {
            ijk_list: number[][];
        };
        /**
         * AddPoint
         * @description A click.
         */
        AddPoint: {
            /**
             * Ijk
             * @description Voxel indices i, j, k of the source
             */
            ijk: number[];
            /**
             * Positive
             * @default true
             */
            positive?: boolean;
        };
        /**
         * AddScribble
         * @description A line on bone, or on something else.
         */
        AddScribble: {
            ijk_list: number[][];
            /**
             * Positive
             * @default true
             */
            positive?: boolean;
        };
        /**
         * Automatic
         * @description Slices to look at: some, a range, or all.
         */
        Automatic: {
            first?: number | null;
            last?: number | null;
            slices?: number[] | null;
        };
        /**
         * BoneChoice
         * @description A bone that can be named.
         */
        BoneChoice: {
            color: string;
            key: string;
            name: string;
            side: string | null;
            snomed: {
                [key: string]: string;
            };
        };
        /**
         * BoneRow
         * @description An accepted bone.
         */
        BoneRow: {
            color: string;
            confidence: number | null;
            extent_mm: number[];
            key: string | null;
            label: number;
            name: string;
            side: string | null;
            slices: number[];
            volume_ml: number;
            voxels: number;
        };
        /**
         * BoxPrompt
         * @description A box among other prompts.
         */
        BoxPrompt: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "box";
            /**
             * Max Ijk
             * @description Voxel indices i, j, k of the source
             */
            max_ijk: number[];
            /**
             * Min Ijk
             * @description Voxel indices i, j, k of the source
             */
            min_ijk: number[];
        };
        /**
         * Change
         * @description What a verb did.
         */
        Change: {
            answered: number[];
            bones: components["schemas"]["BoneRow"][];
            can_redo: boolean;
            can_undo: boolean;
            changed: components["schemas"]["Changed"];
            flagged: number[];
            history_tail: components["schemas"]["Step"][];
            job: components["schemas"]["Job"] | null;
            prompts: {
                [key: string]: unknown;
            }[];
            /**
             * Result
             * @description What the verb gives in Python: a label, labels, slices, yes or no
             */
            result?: boolean | number | number[] | null;
            revision: number;
            saved: string | null;
            slice_confidence: {
                [key: string]: number;
            };
        };
        /**
         * Changed
         * @description Slices that differ from the revision before; where `complete`, all others are empty.
         */
        Changed: {
            answer: components["schemas"]["SliceRuns"][];
            bones: components["schemas"]["SliceRuns"][];
            /**
             * Complete
             * @default false
             */
            complete?: boolean;
        };
        /**
         * Entry
         * @description What a folder holds.
         */
        Entry: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "folder" | "image" | "dicom" | "bones";
            name: string;
            path: string;
            size: number;
        };
        /**
         * Fault
         * @description Why a request was refused.
         */
        Fault: {
            kind: string;
            message: string;
        };
        /**
         * Folder
         * @description A folder below the one that is served.
         */
        Folder: {
            entries: components["schemas"]["Entry"][];
            path: string;
        };
        /**
         * Info
         * @description What this server is.
         */
        Info: {
            docs: string;
            folder: boolean;
            formats: {
                [key: string]: string[];
            };
            license: string;
            limits: {
                [key: string]: number;
            };
            method: string;
            open: string | null;
            ready: boolean;
            users: number;
            version: string;
        };
        /**
         * Job
         * @description Work that takes longer than a click.
         */
        Job: {
            done: number;
            error: string | null;
            id: string;
            position: number;
            /**
             * Result
             * @description What the verb gives in Python: a label, labels, slices, yes or no
             */
            result: boolean | number | number[] | null;
            seconds_left: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "done" | "cancelled" | "failed";
            step: string;
            total: number;
            verb: string;
        };
        /**
         * Keep
         * @description A voxel of the piece that is to stay.
         */
        Keep: {
            /**
             * Ijk
             * @description Voxel indices i, j, k of the source
             */
            ijk: number[];
        };
        /**
         * LassoPrompt
         * @description A polygon among other prompts.
         */
        LassoPrompt: {
            ijk_list: number[][];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "lasso";
        };
        /**
         * Layers
         * @description All that there is to draw.
         */
        Layers: {
            answer: components["schemas"]["Slices"];
            bones: components["schemas"]["Slices"];
            revision: number;
        };
        /**
         * Look
         * @description The slice that a person looks at now.
         */
        Look: {
            slice: number;
        };
        /**
         * MaskPrompt
         * @description A rough mask of a slice.
         */
        MaskPrompt: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "mask";
            /**
             * Runs
             * @description label, count, label, count, ...; the first in-plane axis varies fastest
             */
            runs: number[];
            slice: number;
        };
        /**
         * Merge
         * @description Bones that become one of them.
         */
        Merge: {
            into: number;
            labels: number[];
        };
        /**
         * Naming
         * @description What a bone is called: a key of the list of bones, or a name of one's own.
         */
        Naming: {
            bone?: string | null;
            color?: string | null;
            name?: string | null;
            side?: ("left" | "right") | null;
        };
        /**
         * Nothing
         * @description No choice.
         */
        Nothing: Record<string, never>;
        /**
         * OneBone
         * @description An accepted bone.
         */
        OneBone: {
            label: number;
        };
        /**
         * OpenImage
         * @description An image to open: by path below the folder that is served, or one that was uploaded.
         */
        OpenImage: {
            path?: string | null;
            /**
             * Resume
             * @description Go on with the latest saved session on the same image, if there is one
             * @default false
             */
            resume?: boolean;
            series?: string | null;
            upload?: string | null;
        };
        /**
         * Paint
         * @description A brush stroke: voxels as runs of a slice, or a line and its radius.
         */
        Paint: {
            /**
             * Erase
             * @default false
             */
            erase?: boolean;
            ijk_list?: number[][] | null;
            radius_mm?: number | null;
            runs?: number[] | null;
            slice?: number | null;
        };
        /**
         * PointPrompt
         * @description A point among other prompts.
         */
        PointPrompt: {
            /**
             * Ijk
             * @description Voxel indices i, j, k of the source
             */
            ijk: number[];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "point";
            /**
             * Positive
             * @default true
             */
            positive?: boolean;
        };
        /**
         * Problem
         * @description Every answer of 400 and above.
         */
        Problem: {
            error: components["schemas"]["Fault"];
        };
        /**
         * Range
         * @description Slices between which to fill.
         */
        Range: {
            first?: number | null;
            last?: number | null;
        };
        /**
         * Reach
         * @description How far to follow the answer.
         */
        Reach: {
            /**
             * Backwards
             * @default true
             */
            backwards?: boolean;
            first?: number | null;
            /**
             * Forwards
             * @default true
             */
            forwards?: boolean;
            last?: number | null;
        };
        /**
         * Rename
         * @description Another name for an accepted bone.
         */
        Rename: {
            bone?: string | null;
            color?: string | null;
            label: number;
            name?: string | null;
            side?: ("left" | "right") | null;
        };
        /**
         * Save
         * @description What to write, and where: beside the session, or also to a folder below the one that is served.
         */
        Save: {
            /**
             * Formats
             * @default [
             *       "nifti"
             *     ]
             */
            formats?: string[];
            path?: string | null;
        };
        /**
         * Saved
         * @description A file that was written.
         */
        Saved: {
            bytes: number;
            download: string;
            path: string;
        };
        /**
         * SavedFiles
         * @description All that were.
         */
        SavedFiles: {
            /** @description All of them as one zip */
            archive: components["schemas"]["Saved"];
            files: components["schemas"]["Saved"][];
        };
        /**
         * ScribblePrompt
         * @description A line among other prompts.
         */
        ScribblePrompt: {
            ijk_list: number[][];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            kind: "scribble";
            /**
             * Positive
             * @default true
             */
            positive?: boolean;
        };
        /**
         * SeriesList
         * @description Several series, none chosen.
         */
        SeriesList: {
            series: components["schemas"]["SeriesRow"][];
        };
        /**
         * SeriesRow
         * @description A series to choose.
         */
        SeriesRow: {
            default: boolean;
            description: string;
            key: string;
            plane: string;
            problem: string;
            shape: number[] | null;
            slices: number;
            spacing_mm: number[] | null;
        };
        /**
         * Session
         * @description A session as a page needs it to begin.
         */
        Session: {
            affine: number[][];
            answered: number[];
            axis: number;
            bones: components["schemas"]["BoneRow"][];
            can_redo: boolean;
            can_undo: boolean;
            doubts: string[];
            /**
             * Flag Below
             * @description Confidence below which slices are flagged
             */
            flag_below: number | null;
            flagged: number[];
            history: components["schemas"]["Step"][];
            id: string;
            job: components["schemas"]["Job"] | null;
            name: string;
            other_series: {
                [key: string]: unknown;
            }[];
            prompts: {
                [key: string]: unknown;
            }[];
            revision: number;
            saved: string | null;
            shape: number[];
            slice_confidence: {
                [key: string]: number;
            };
            slices: number;
            source: components["schemas"]["SourceFacts"];
            spacing_mm: number[];
        };
        /**
         * SessionRow
         * @description A session in a list.
         */
        SessionRow: {
            bones: string[];
            changed: string;
            id: string;
            name: string;
            open: boolean;
            path: string;
            patient: string;
            study_date: string;
            watched: number;
        };
        /**
         * SliceRuns
         * @description The labels of one slice.
         */
        SliceRuns: {
            runs: number[];
            slice: number;
        };
        /**
         * Slices
         * @description Those that are not empty.
         */
        Slices: {
            slices: components["schemas"]["SliceRuns"][];
        };
        /**
         * SourceFacts
         * @description Where the image came from.
         */
        SourceFacts: {
            description: string;
            format: string;
            notes: string[];
            path: string;
            series: string | null;
        };
        /**
         * Split
         * @description A bone to split into its connected components.
         */
        Split: {
            label: number;
            /**
             * Min Mm3
             * @description Components smaller than this volume in mm3 are removed
             * @default 30
             */
            min_mm3?: number;
        };
        /**
         * Step
         * @description Something that was done.
         */
        Step: {
            n: number;
            text: string;
            time: string;
            verb: string;
        };
        /**
         * Token
         * @description What a client sends from then on.
         */
        Token: {
            access_token: string;
            token_type: string;
        };
        /**
         * Upload
         * @description What was uploaded.
         */
        Upload: {
            files: number;
            upload: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
