// Generated from the server's OpenAPI description by `make types`; not edited by hand.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AccessToken
         * @description Token that a MONAI Label client sends with further requests.
         */
        AccessToken: {
            access_token: string;
            token_type: string;
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
         * @description A closed polygon around bone on one slice.
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
         * AddPrompts
         * @description Prompts that are added as one change.
         */
        AddPrompts: {
            prompts: (components["schemas"]["PointPrompt"] | components["schemas"]["BoxPrompt"] | components["schemas"]["ScribblePrompt"] | components["schemas"]["LassoPrompt"] | components["schemas"]["MaskPrompt"])[];
        };
        /**
         * AddScribble
         * @description A line on bone (positive) or on background.
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
         * @description Slices to segment: a list, a range, or all.
         */
        Automatic: {
            first?: number | null;
            last?: number | null;
            slices?: number[] | null;
        };
        /**
         * BoneChoice
         * @description An entry of the list of bones.
         */
        BoneChoice: {
            color: string;
            key: string;
            name: string;
            side: ("left" | "right") | null;
            snomed: components["schemas"]["SnomedCode"];
        };
        /**
         * BoneLabel
         * @description A committed bone.
         */
        BoneLabel: {
            label: number;
        };
        /**
         * BoneRow
         * @description A committed bone.
         */
        BoneRow: {
            color: string;
            confidence: number | null;
            extent_mm: number[];
            key: string | null;
            label: number;
            name: string;
            side: ("left" | "right") | null;
            slices: number[];
            volume_ml: number;
            voxels: number;
        };
        /**
         * BoxPrompt
         * @description A box in a list of prompts.
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
         * ChangedSlices
         * @description Slices that differ from the revision before; if `complete`, all other slices are empty.
         */
        ChangedSlices: {
            /**
             * Complete
             * @default false
             */
            complete?: boolean;
            labels: components["schemas"]["SliceRuns"][];
            mask: components["schemas"]["SliceRuns"][];
        };
        /**
         * CommitBone
         * @description Name of a bone: a key of the list of bones, or free text.
         */
        CommitBone: {
            bone?: string | null;
            color?: string | null;
            name?: string | null;
            side?: ("left" | "right") | null;
        };
        /**
         * ErrorDetail
         * @description Reason why a request was refused.
         */
        ErrorDetail: {
            kind: string;
            message: string;
        };
        /**
         * ErrorResponse
         * @description Body of every response with status 400 or above.
         */
        ErrorResponse: {
            error: components["schemas"]["ErrorDetail"];
        };
        /**
         * FolderEntry
         * @description A file or folder below the served folder.
         */
        FolderEntry: {
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
         * FolderListing
         * @description Content of a folder below the served folder.
         */
        FolderListing: {
            entries: components["schemas"]["FolderEntry"][];
            path: string;
        };
        /**
         * FormatLists
         * @description File suffixes that can be opened, and format names that can be saved.
         */
        FormatLists: {
            open: string[];
            save: string[];
        };
        /**
         * HistoryStep
         * @description A step of the history.
         */
        HistoryStep: {
            n: number;
            text: string;
            time: string;
            verb: string;
        };
        /**
         * ImageSource
         * @description Origin of the image.
         */
        ImageSource: {
            description: string;
            format: string;
            notes: string[];
            path: string;
            series: string | null;
        };
        /**
         * JobStatus
         * @description State of a command that runs in the background.
         */
        JobStatus: {
            done: number;
            error: string | null;
            id: string;
            position: number;
            /**
             * Result
             * @description Return value of the command in Python: a label, labels, slices, or a boolean
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
         * KeepComponent
         * @description A voxel of the connected component to keep.
         */
        KeepComponent: {
            /**
             * Ijk
             * @description Voxel indices i, j, k of the source
             */
            ijk: number[];
        };
        /**
         * LassoPrompt
         * @description A lasso in a list of prompts.
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
         * MaskPrompt
         * @description A rough mask of one slice.
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
         * MergeBones
         * @description Bones to merge into one of them.
         */
        MergeBones: {
            into: number;
            labels: number[];
        };
        /**
         * NoOptions
         * @description An empty body.
         */
        NoOptions: Record<string, never>;
        /**
         * OpenImage
         * @description Image to open: a path below the served folder, or an upload.
         */
        OpenImage: {
            path?: string | null;
            /**
             * Resume
             * @description Resume the latest saved session on the same image, if there is one
             * @default false
             */
            resume?: boolean;
            series?: string | null;
            upload?: string | null;
        };
        /**
         * Paint
         * @description A brush stroke: the run lengths of a slice, or a line and its radius.
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
         * @description A point in a list of prompts.
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
         * PrefetchSlice
         * @description The slice on screen.
         */
        PrefetchSlice: {
            slice: number;
        };
        /**
         * PromptRow
         * @description A prompt since the last committed bone; a mask without its voxels.
         */
        PromptRow: {
            ijk?: number[] | null;
            ijk_list?: number[][] | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "point" | "box" | "scribble" | "lasso" | "mask";
            max_ijk?: number[] | null;
            min_ijk?: number[] | null;
            positive?: boolean | null;
            slice?: number | null;
        };
        /**
         * Propagate
         * @description Range and directions of the propagation.
         */
        Propagate: {
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
         * RenameBone
         * @description New name of a committed bone.
         */
        RenameBone: {
            bone?: string | null;
            color?: string | null;
            label: number;
            name?: string | null;
            side?: ("left" | "right") | null;
        };
        /**
         * SavedFile
         * @description A file that was written.
         */
        SavedFile: {
            bytes: number;
            download: string;
            path: string;
        };
        /**
         * SavedFiles
         * @description The files that were written.
         */
        SavedFiles: {
            /** @description All files as one zip */
            archive: components["schemas"]["SavedFile"];
            files: components["schemas"]["SavedFile"][];
        };
        /**
         * SaveFiles
         * @description Formats to write, and optionally a path below the served folder to copy the files to.
         */
        SaveFiles: {
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
         * ScribblePrompt
         * @description A scribble in a list of prompts.
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
         * SeriesKey
         * @description Another series of the same image.
         */
        SeriesKey: {
            description: string;
            key: string;
        };
        /**
         * SeriesList
         * @description Several series of which one has to be chosen.
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
         * ServerInfo
         * @description Version, weights, limits and formats of the server.
         */
        ServerInfo: {
            docs: string;
            folder: boolean;
            formats: components["schemas"]["FormatLists"];
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
         * SessionChange
         * @description Effect of a command.
         */
        SessionChange: {
            bones: components["schemas"]["BoneRow"][];
            can_redo: boolean;
            can_undo: boolean;
            changed: components["schemas"]["ChangedSlices"];
            /**
             * Flagged
             * @description Slices to check next, the lowest confidence first
             */
            flagged: number[];
            history_tail: components["schemas"]["HistoryStep"][];
            job: components["schemas"]["JobStatus"] | null;
            /**
             * Mask Slices
             * @description Slices of the current mask
             */
            mask_slices: number[];
            prompts: components["schemas"]["PromptRow"][];
            /**
             * Result
             * @description Return value of the command in Python: a label, labels, slices, or a boolean
             */
            result?: boolean | number | number[] | null;
            revision: number;
            saved: string | null;
            slice_confidence: {
                [key: string]: number;
            };
        };
        /**
         * SessionInfo
         * @description A session, with everything that a page needs to show it.
         */
        SessionInfo: {
            affine: number[][];
            axis: number;
            bones: components["schemas"]["BoneRow"][];
            can_redo: boolean;
            can_undo: boolean;
            /**
             * Flag Below
             * @description Confidence below which slices are flagged
             */
            flag_below: number | null;
            /**
             * Flagged
             * @description Slices to check next, the lowest confidence first
             */
            flagged: number[];
            history: components["schemas"]["HistoryStep"][];
            id: string;
            input_warnings: string[];
            job: components["schemas"]["JobStatus"] | null;
            /**
             * Mask Slices
             * @description Slices of the current mask
             */
            mask_slices: number[];
            name: string;
            other_series: components["schemas"]["SeriesKey"][];
            prompts: components["schemas"]["PromptRow"][];
            revision: number;
            saved: string | null;
            shape: number[];
            slice_confidence: {
                [key: string]: number;
            };
            slices: number;
            source: components["schemas"]["ImageSource"];
            spacing_mm: number[];
        };
        /**
         * SessionLayers
         * @description Current mask and committed labels, without empty slices.
         */
        SessionLayers: {
            labels: components["schemas"]["SliceRuns"][];
            mask: components["schemas"]["SliceRuns"][];
            revision: number;
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
            viewers: number;
        };
        /**
         * SliceRange
         * @description A range of slices; without bounds, all.
         */
        SliceRange: {
            first?: number | null;
            last?: number | null;
        };
        /**
         * SliceRuns
         * @description Run lengths of one slice.
         */
        SliceRuns: {
            runs: number[];
            slice: number;
        };
        /**
         * SnomedCode
         * @description A SNOMED CT code.
         */
        SnomedCode: {
            code: string;
            meaning: string;
        };
        /**
         * SplitBone
         * @description A bone to split into its connected components.
         */
        SplitBone: {
            label: number;
            /**
             * Min Mm3
             * @description Components smaller than this volume in mm3 are removed
             * @default 30
             */
            min_mm3?: number;
        };
        /**
         * UploadReceipt
         * @description Id of an upload.
         */
        UploadReceipt: {
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
